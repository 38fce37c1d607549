#!/usr/bin/env bash
# Makes the keystores and truststores of the three systems with the real
# keytool, as their administrators would. Every company has a certificate
# authority of its own; the truststores hold the authorities of the others, so
# that a new keystore needs no new truststore.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pass=(-storepass changeit)

# authority NAME: a company's certificate authority, in $work/NAME.cer.
authority() {
	keytool -genkeypair -keystore "$work/$1-ca.jks" -storetype JKS "${pass[@]}" -keypass changeit -alias ca \
		-keyalg RSA -keysize 2048 -sigalg SHA256withRSA -startdate -7d -validity 9900 -ext bc:c -ext ku:c=keyCertSign,cRLSign \
		-dname "CN=$1 CA, O=$1"
	keytool -exportcert -keystore "$work/$1-ca.jks" "${pass[@]}" -alias ca -file "$work/$1.cer"
}

# keystore FILE NAME: a key that signs tokens and opens TLS connections, under a
# certificate of the company's authority.
keystore() {
	mkdir -p "$(dirname "$1")"
	rm -f "$1"
	keytool -genkeypair -keystore "$1" -storetype JKS "${pass[@]}" -keypass changeit -alias remotecase \
		-keyalg RSA -keysize 2048 -sigalg SHA256withRSA -startdate -7d -validity 9000 -dname "CN=$2.example, O=$2"
	keytool -certreq -keystore "$1" "${pass[@]}" -alias remotecase |
		keytool -gencert -keystore "$work/$2-ca.jks" "${pass[@]}" -alias ca -startdate -7d -validity 9000 -rfc \
			-ext ku:c=digitalSignature -ext eku=serverAuth,clientAuth -ext "san=dns:$2.example,dns:localhost,ip:127.0.0.1" >"$work/reply.pem"
	keytool -exportcert -keystore "$work/$2-ca.jks" "${pass[@]}" -alias ca -rfc >>"$work/reply.pem"
	keytool -importcert -noprompt -keystore "$1" "${pass[@]}" -alias remotecase -file "$work/reply.pem"
}

# truststore FILE NAME...: the authorities of other companies.
truststore() {
	rm -f "$1"
	for name in "${@:2}"; do
		keytool -importcert -noprompt -keystore "$1" -storetype JKS "${pass[@]}" -alias "$name" -file "$work/$name.cer"
	done
}

for name in financialoperations loanrequests cardoperations; do
	authority $name
	keystore $name/Remotecasetype_Keystore.jks $name
done
keystore financialoperations/next/Remotecasetype_Keystore.jks financialoperations # what it is replaced with
truststore financialoperations/Remotecasetype_Truststore.jks loanrequests
truststore cardoperations/Remotecasetype_Truststore.jks loanrequests
truststore loanrequests/Remotecasetype_Truststore.jks financialoperations cardoperations
