#!/usr/bin/env bash
# Makes the two keystores with the real keytool.
set -euo pipefail
cd "$(dirname "$0")"
rm -f consumer.p12 producer.p12
for name in consumer producer; do
	keytool -genkeypair -keystore "$name.p12" -storetype PKCS12 -storepass changeit \
		-alias "$name" -keyalg EC -groupname secp256r1 -startdate -7d -validity 9000 \
		-dname "CN=$name.example, O=Example"
done
