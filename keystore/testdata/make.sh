#!/usr/bin/env bash
# Makes the stores in this directory with keytool, OpenSSL 3 and BouncyCastle,
# and expected.jsonl, which says what those tools find in them.
# Needs JDK 17 (one of version 24 or later in JDK24 for ML-DSA), openssl and the Debian
# packages libbcprov-java and libbcpkix-java. Passwords are changeit unless
# the name of the file says something else.
set -euo pipefail
cd "$(dirname "$0")"
out=$PWD
JDK24=${JDK24:-}
jars=/usr/share/java/bcprov.jar:/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -f "$out"/*.{p12,jks,jceks,pem,der} "$out/expected.jsonl"
cd "$work"

# --- keys and certificates: <name>.key (PKCS #8 PEM) and <name>.crt
key() { openssl genpkey -out "$1.key" "${@:2}" 2>/dev/null; }
key root -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key sub -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key pss -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
key k1 -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
key brainpool -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1
key ed25519 -algorithm ED25519
key ed448 -algorithm ED448
key x25519 -algorithm X25519
openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa.params 2>/dev/null
key dsa -paramfile dsa.params
ca=(-addext basicConstraints=critical,CA:TRUE)
openssl req -x509 -key root.key -subj "/CN=Root" -days 36500 -out root.crt
issue() { # name, issuer, further options of openssl x509
	openssl req -new -key root.key -subj "/CN=$1" -out "$1.csr"
	openssl pkey -in "$1.key" -pubout -out "$1.pub" 2>/dev/null
	openssl x509 -req -in "$1.csr" -force_pubkey "$1.pub" -CA "$2.crt" -CAkey "$2.key" -days 36500 -out "$1.crt" "${@:3}" 2>/dev/null
}
printf 'basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >ca.ext
printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >leaf.ext
issue sub root -extfile ca.ext
for name in rsa pss p256 p384 p521 k1 brainpool ed25519 ed448 x25519 dsa; do issue $name sub -extfile leaf.ext; done
for name in root sub rsa pss p256 p384 p521 k1 brainpool ed25519 ed448 x25519 dsa; do
	openssl x509 -in $name.crt -outform DER -out $name.crt.der
	openssl pkcs8 -topk8 -nocrypt -in $name.key -outform DER -out $name.key.der
done
cat sub.crt root.crt >ca.crt

# --- what is in them: read by Java, or put in and opened again by OpenSSL
list=$work/list
: >"$list"
# java FILE TYPE PROVIDER PASSWORD [ALIAS=PASSWORD...]
java_truth() { local IFS=$'\t'; printf '%s\n' "$*" >>"$list"; }
sha() { openssl dgst -sha256 -r <"$1" | cut -d' ' -f1; }
# FILE FORMAT PASSWORD [private:ALIAS:ALG:KEY:CERT+CERT | cert:ALIAS:CERT ...]
truth() {
	local entries="" entry parts chain c
	for entry in "${@:4}"; do
		IFS=: read -ra parts <<<"$entry"
		if [ "${parts[0]}" = cert ]; then
			entries+=",{\"alias\":\"${parts[1]}\",\"kind\":\"cert\",\"cert\":\"$(sha "${parts[2]}.crt.der")\"}"
			continue
		fi
		chain=""
		for c in ${parts[4]+${parts[4]//+/ }}; do chain+=",\"$(sha "$c.crt.der")\""; done
		entries+=",{\"alias\":\"${parts[1]}\",\"kind\":\"private\",\"alg\":\"${parts[2]}\",\"keypass\":\"$3\",\"key\":\"$(sha "${parts[3]}.key.der")\",\"chain\":[${chain#,}]}"
	done
	printf '{"file":"%s","format":"%s","storepass":"%s","truth_by":"openssl","entries":[%s]}\n' "$1" "$2" "$3" "${entries#,}" >>"$out/expected.jsonl"
}

# --- keytool
kt() { keytool "$@" >>"$work/keytool.log" 2>&1 || { tail -5 "$work/keytool.log"; exit 1; }; }
gen() { # file, type, alias, further options
	kt -genkeypair -keystore "$out/$1" -storetype "$2" -alias "$3" -storepass changeit -dname "CN=$3" -validity 36500 "${@:4}"
}
trust() { kt -importcert -noprompt -keystore "$out/$1" -storetype "$2" -storepass changeit -alias "$3" -file "$4.crt" "${@:5}"; }
secret() { kt -genseckey -keystore "$out/$1" -storetype "$2" -storepass changeit -alias "$3" "${@:4}"; }
j() { java_truth "$1" "$2" - changeit "${@:3}"; }

gen keytool-rsa2048.p12 PKCS12 rsa -keyalg RSA -keysize 2048; j keytool-rsa2048.p12 PKCS12
gen keytool-rsa4096.p12 PKCS12 rsa -keyalg RSA -keysize 4096; j keytool-rsa4096.p12 PKCS12
gen keytool-p256.p12 PKCS12 ec -keyalg EC -groupname secp256r1; j keytool-p256.p12 PKCS12
gen keytool-p384.p12 PKCS12 ec -keyalg EC -groupname secp384r1; j keytool-p384.p12 PKCS12
gen keytool-p521.p12 PKCS12 ec -keyalg EC -groupname secp521r1; j keytool-p521.p12 PKCS12
gen keytool-ed25519.p12 PKCS12 ed -keyalg Ed25519; j keytool-ed25519.p12 PKCS12
gen keytool-ed448.p12 PKCS12 ed -keyalg Ed448; j keytool-ed448.p12 PKCS12
gen keytool-dsa.p12 PKCS12 dsa -keyalg DSA -keysize 1024; j keytool-dsa.p12 PKCS12
gen keytool-pss.p12 PKCS12 pss -keyalg RSASSA-PSS -keysize 2048; j keytool-pss.p12 PKCS12
gen keytool-iterations.p12 PKCS12 ec -keyalg EC -J-Dkeystore.pkcs12.{mac,certPbe,keyPbe}IterationCount=100000; j keytool-iterations.p12 PKCS12
gen keytool-legacy.p12 PKCS12 ec -keyalg EC -J-Dkeystore.pkcs12.legacy; j keytool-legacy.p12 PKCS12
gen keytool-named-p12.jks PKCS12 ec -keyalg EC; j keytool-named-p12.jks PKCS12
for a in alpha Beta gamma; do gen keytool-three-keys.p12 PKCS12 $a -keyalg EC; done; j keytool-three-keys.p12 PKCS12
for a in root sub rsa; do trust keytool-trust.p12 PKCS12 $a $a; done; j keytool-trust.p12 PKCS12
trust keytool-trust-plain.p12 PKCS12 root root -J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE -J-Dkeystore.pkcs12.macAlgorithm=NONE; j keytool-trust-plain.p12 PKCS12
gen keytool-key-and-trust.p12 PKCS12 own -keyalg EC; trust keytool-key-and-trust.p12 PKCS12 partner p384; j keytool-key-and-trust.p12 PKCS12
gen keytool-mixed.p12 PKCS12 own -keyalg EC; trust keytool-mixed.p12 PKCS12 partner p384
secret keytool-mixed.p12 PKCS12 mac -keyalg HmacSHA256 -keysize 256; j keytool-mixed.p12 PKCS12
secret keytool-secrets.p12 PKCS12 aes128 -keyalg AES -keysize 128; secret keytool-secrets.p12 PKCS12 aes256 -keyalg AES -keysize 256
for h in 1 256 384 512; do secret keytool-secrets.p12 PKCS12 hmac$h -keyalg HmacSHA$h -keysize 512; done; j keytool-secrets.p12 PKCS12
printf 'swordfish\nswordfish\n' >word
kt -importpass -keystore "$out/keytool-importpass.p12" -storetype PKCS12 -storepass changeit -alias word -keypass changeit <word; j keytool-importpass.p12 PKCS12
if [ -n "$JDK24" ]; then
	"$JDK24/bin/keytool" -genkeypair -keystore "$out/keytool-mldsa.p12" -alias pq -keyalg ML-DSA-65 -storepass changeit -dname CN=pq -validity 36500 2>/dev/null
	"$JDK24/bin/keytool" -genkeypair -keystore "$out/keytool25-ec.p12" -alias ec -keyalg EC -storepass changeit -dname CN=ec -validity 36500 2>/dev/null
	j keytool25-ec.p12 PKCS12
fi
for type in JKS JCEKS; do
	t=${type,,}
	gen keytool-rsa.$t $type rsa -keyalg RSA -keysize 2048; j keytool-rsa.$t $type
	gen keytool-ec.$t $type ec -keyalg EC; j keytool-ec.$t $type
	gen keytool-dsa.$t $type dsa -keyalg DSA -keysize 1024; j keytool-dsa.$t $type
	gen keytool-ed25519.$t $type ed -keyalg Ed25519; j keytool-ed25519.$t $type
	for a in one two; do gen keytool-keypass.$t $type $a -keyalg EC -keypass password-$a; done; j keytool-keypass.$t $type one=password-one two=password-two
	for a in root sub; do trust keytool-trust.$t $type $a $a; done; j keytool-trust.$t $type
	gen keytool-mixed.$t $type own -keyalg EC; trust keytool-mixed.$t $type partner p384; j keytool-mixed.$t $type
done
secret keytool-secrets.jceks JCEKS aes -keyalg AES -keysize 256; secret keytool-secrets.jceks JCEKS hmac -keyalg HmacSHA256 -keysize 256
secret keytool-secrets.jceks JCEKS des3 -keyalg DESede -keysize 168; j keytool-secrets.jceks JCEKS

# --- OpenSSL: a P-256 key unless the name says otherwise
p12() { openssl pkcs12 -export -out "$out/$1" -passout "pass:$2" "${@:3}"; openssl pkcs12 -in "$out/$1" -passin "pass:$2" -legacy -nodes -out /dev/null; }
one() { # file, password, options: the key p256 named "leaf"
	p12 "$1" "$2" -inkey p256.key -in p256.crt -name leaf "${@:3}"
	truth "$1" PKCS12 "$2" private:leaf:EC:p256:p256
}
one openssl-default.p12 changeit
one openssl-mac-sha1.p12 changeit -macalg sha1
one openssl-mac-sha224.p12 changeit -macalg sha224
one openssl-mac-sha384.p12 changeit -macalg sha384
one openssl-mac-sha512.p12 changeit -macalg sha512
one openssl-mac-sha512-256.p12 changeit -macalg sha512-256
one openssl-mac-md5.p12 changeit -macalg md5
one openssl-no-mac.p12 changeit -nomac
one openssl-empty-password.p12 ""
one openssl-unicode-password.p12 "pässwörd-Ж"
one openssl-unicode-password-legacy.p12 "pässwörd-Ж" -legacy
one openssl-emoji-password-legacy.p12 "pass😀word" -legacy
one openssl-legacy.p12 changeit -legacy
one openssl-descert.p12 changeit -legacy -descert
one openssl-rc2-128-rc4-128.p12 changeit -legacy -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC4-128
one openssl-rc4-40-2des.p12 changeit -legacy -keypbe PBE-SHA1-RC4-40 -certpbe PBE-SHA1-2DES
one openssl-aes128-des3.p12 changeit -keypbe AES-128-CBC -certpbe DES-EDE3-CBC
one openssl-aes192.p12 changeit -keypbe AES-192-CBC -certpbe AES-192-CBC
one openssl-des-rc2.p12 changeit -legacy -keypbe DES-CBC -certpbe RC2-CBC
one openssl-md5-des.p12 changeit -legacy -keypbe PBE-MD5-DES -certpbe PBE-SHA1-DES
one openssl-md5-rc2.p12 changeit -legacy -keypbe PBE-MD5-RC2-64 -certpbe PBE-SHA1-RC2-64
p12 openssl-chain.p12 changeit -inkey rsa.key -in rsa.crt -certfile ca.crt -name leaf; truth openssl-chain.p12 PKCS12 changeit private:leaf:RSA:rsa:rsa+sub+root
p12 openssl-unnamed.p12 changeit -inkey rsa.key -in rsa.crt; truth openssl-unnamed.p12 PKCS12 changeit private:1:RSA:rsa:rsa
cat root.crt sub.crt p256.crt >certs.crt
p12 openssl-no-keys.p12 changeit -nokeys -in certs.crt; truth openssl-no-keys.p12 PKCS12 changeit cert:1:root cert:2:sub cert:3:p256
p12 openssl-no-certs.p12 changeit -nocerts -inkey p256.key -in p256.crt -name leaf; truth openssl-no-certs.p12 PKCS12 changeit private:leaf:EC:p256:
p12 openssl-plain.p12 changeit -inkey p256.key -in p256.crt -name leaf -keypbe NONE -certpbe NONE -nomac; truth openssl-plain.p12 PKCS12 changeit private:leaf:EC:p256:p256
p12 openssl-k1.p12 changeit -inkey k1.key -in k1.crt -name leaf; truth openssl-k1.p12 PKCS12 changeit private:leaf:EC:k1:k1
p12 openssl-brainpool.p12 changeit -inkey brainpool.key -in brainpool.crt -name leaf; truth openssl-brainpool.p12 PKCS12 changeit private:leaf:EC:brainpool:brainpool
p12 openssl-x25519.p12 changeit -inkey x25519.key -in x25519.crt -name leaf; truth openssl-x25519.p12 PKCS12 changeit private:leaf:XDH:x25519:x25519
p12 openssl-pss.p12 changeit -inkey pss.key -in pss.crt -name leaf; truth openssl-pss.p12 PKCS12 changeit private:leaf:RSASSA-PSS:pss:pss

# --- PEM and bare DER
pem() { # file, password, alias, algorithm, key, chain, then the parts of the file
	cat "${@:7}" >"$out/$1"; truth "$1" PEM "$2" "private:$3:$4:$5:$6"
}
openssl rsa -in rsa.key -traditional -out rsa.pkcs1 2>/dev/null
openssl ec -in p256.key -out p256.sec1 2>/dev/null
openssl dsa -in dsa.key -out dsa.old 2>/dev/null
pem pem-pkcs1.pem "" 1 RSA rsa rsa+sub+root rsa.pkcs1 rsa.crt ca.crt
pem pem-sec1.pem "" 1 EC p256 p256 p256.sec1 p256.crt
pem pem-pkcs8-certs-first.pem "" 1 EC p384 p384+sub+root root.crt p384.crt sub.crt p384.key
pem pem-p521.pem "" 1 EC p521 p521 p521.crt p521.key
pem pem-ed25519.pem "" 1 EdDSA ed25519 ed25519 ed25519.key ed25519.crt
pem pem-ed448.pem "" 1 EdDSA ed448 "" ed448.key
pem pem-dsa.pem "" 1 DSA dsa dsa dsa.crt dsa.old
for cipher in aes128 aes256 des3; do
	openssl ec -in p256.key -$cipher -passout pass:changeit -out p256.dek 2>/dev/null
	pem pem-dek-$cipher.pem changeit 1 EC p256 p256 p256.dek p256.crt
done
enc() { # file, options of openssl pkcs8
	openssl pkcs8 -topk8 -in p256.key -passout pass:changeit -out p256.enc "${@:2}"
	pem "$1" changeit 1 EC p256 p256 p256.enc p256.crt
}
enc pem-aes256.pem
for prf in SHA1 SHA224 SHA384 SHA512 SHA512-256; do enc pem-prf-${prf,,}.pem -v2 aes-128-cbc -v2prf hmacWith$prf 2>/dev/null || enc pem-prf-${prf,,}.pem -v2 aes-128-cbc -v2prf hmacWith${prf/-/-}; done
enc pem-aes192.pem -v2 aes-192-cbc
enc pem-des3.pem -v2 des3
enc pem-des.pem -v2 des -provider default -provider legacy
enc pem-rc2.pem -v2 rc2 -provider default -provider legacy
enc pem-scrypt.pem -scrypt
for v1 in PBE-MD5-DES PBE-MD5-RC2-64 PBE-SHA1-DES PBE-SHA1-RC2-64 PBE-SHA1-3DES PBE-SHA1-2DES PBE-SHA1-RC2-128 PBE-SHA1-RC2-40 PBE-SHA1-RC4-128 PBE-SHA1-RC4-40; do
	v=${v1,,}; enc pem-${v#pbe-}.pem -v1 $v1 -provider default -provider legacy
done
openssl pkcs12 -in "$out/openssl-chain.p12" -passin pass:changeit -nodes -out bag.pem
pem pem-bag-attributes.pem "" leaf RSA rsa rsa+sub+root bag.pem
cp ca.crt "$out/pem-certificates.pem"; truth pem-certificates.pem PEM "" cert:1:sub cert:2:root
cp root.crt.der "$out/certificate.der"; truth certificate.der DER "" cert:1:root
cp p256.key.der "$out/key.der"; truth key.der DER "" private:1:EC:p256:

# --- what only an API makes, and the list of what Java reads
java -cp "$jars" "$out/Stores.java" make "$work" "$out" >>"$list"
java -cp "$jars" "$out/Stores.java" list "$out" <"$list" >>"$out/expected.jsonl"
if [ -n "$JDK24" ]; then
	printf 'keytool-mldsa.p12\tPKCS12\t-\tchangeit\n' | "$JDK24/bin/java" -cp "$jars" "$out/Stores.java" list "$out" >>"$out/expected.jsonl"
fi
wc -l "$out/expected.jsonl"; du -cb "$out"/*.{p12,jks,jceks,pem,der} | tail -1
