#!/usr/bin/env bash
# Makes the stores in this directory with the real keytool: a consumer and its
# next key, a producer, and what each of them trusts. Their password stands in
# the open because the keys protect nothing.
set -euo pipefail
cd "$(dirname "$0")"
rm -f ./*.jks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pair() { # STORE ALIAS NAME
	keytool -genkeypair -keystore "$1.jks" -storetype JKS -storepass changeit -keypass changeit \
		-alias "$2" -keyalg RSA -keysize 2048 -sigalg SHA256withRSA -startdate -7d -validity 9000 \
		-dname "CN=$3, O=Example" -ext san=dns:localhost,ip:127.0.0.1
	keytool -exportcert -keystore "$1.jks" -storepass changeit -alias "$2" -file "$work/$1.cer"
}
trust() { # STORE NAME...
	for name in "${@:2}"; do
		keytool -importcert -noprompt -keystore "$1.jks" -storetype JKS -storepass changeit -alias "$name" -file "$work/$name.cer"
	done
}
pair consumer signing consumer.example
pair consumer-next signing consumer.example
pair producer server producer.example
trust consumer-trust producer
trust producer-trust consumer consumer-next producer
