#!/usr/bin/env bash
# Makes consumer.jks with the real keytool: the consumer's signing key, and
# beside it the certificate of a partner it trusts.
set -euo pipefail
cd "$(dirname "$0")"
rm -f consumer.jks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

keytool -genkeypair -keystore consumer.jks -storetype JKS -storepass changeit -keypass changeit \
	-alias consumer-signing -keyalg RSA -keysize 2048 -sigalg SHA256withRSA -startdate -7d -validity 9000 \
	-dname 'CN=consumer.example, O=Example Consumer'
keytool -genkeypair -keystore "$work/producer.p12" -storetype PKCS12 -storepass changeit \
	-alias producer -keyalg EC -groupname secp256r1 -startdate -7d -validity 9000 \
	-dname 'CN=producer.example, O=Example Producer'
keytool -exportcert -keystore "$work/producer.p12" -storepass changeit -alias producer -file "$work/producer.cer"
keytool -importcert -noprompt -keystore consumer.jks -storepass changeit -alias producer -file "$work/producer.cer"
