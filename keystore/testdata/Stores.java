import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.Certificate;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.pkcs.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.pkcs.*;
import org.bouncycastle.pkcs.jcajce.*;

/** Makes the stores that need an API, and lists what Java finds in stores. */
public class Stores {
	static Path keys, out;

	public static void main(String[] args) throws Exception {
		Security.addProvider(new BouncyCastleProvider());
		if (args[0].equals("make")) {
			keys = Path.of(args[1]);
			out = Path.of(args[2]);
			make();
		} else {
			out = Path.of(args[1]);
			for (String line : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
				list(line.split("\t", -1));
			}
		}
	}

	static Certificate cert(String name) throws Exception {
		try (InputStream in = Files.newInputStream(keys.resolve(name + ".crt.der"))) {
			return CertificateFactory.getInstance("X.509").generateCertificate(in);
		}
	}

	static PrivateKey key(String name, String algorithm) throws Exception {
		return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(keys.resolve(name + ".key.der"))));
	}

	static KeyStore empty(String type, String provider) throws Exception {
		KeyStore ks = provider.equals("-") ? KeyStore.getInstance(type) : KeyStore.getInstance(type, provider);
		ks.load(null, null);
		return ks;
	}

	static void store(KeyStore ks, String file, String provider, String password, String... keyPasswords) throws Exception {
		try (OutputStream to = Files.newOutputStream(out.resolve(file))) {
			ks.store(to, password.toCharArray());
		}
		emit(file, ks.getType(), provider, password, keyPasswords);
	}

	static void emit(String file, String type, String provider, String password, String... keyPasswords) {
		PrintStream utf8 = new PrintStream(System.out, true, StandardCharsets.UTF_8);
		utf8.println(String.join("\t", file, type, provider, password) + (keyPasswords.length > 0 ? "\t" + String.join("\t", keyPasswords) : ""));
	}

	static void make() throws Exception {
		Certificate[] chain = {cert("p256"), cert("sub"), cert("root")};
		PrivateKey ec = key("p256", "EC"), rsa = key("rsa", "RSA");
		Certificate[] rsaChain = {cert("rsa"), cert("sub"), cert("root")};
		String unicode = "p\u00e4ssw\u00f6rd-\u0416-\ud83d\ude00";
		for (String type : new String[] {"JKS", "JCEKS"}) {
			String end = "." + type.toLowerCase();
			KeyStore ks = empty(type, "-");
			ks.setKeyEntry("leaf", ec, "changeit".toCharArray(), chain);
			store(ks, "api-chain" + end, "-", "changeit");
			store(empty(type, "-"), "api-empty" + end, "-", "changeit");
			ks = empty(type, "-");
			ks.setCertificateEntry("\u00e9\u4e16\ud83d\ude00\u0000", cert("root"));
			store(ks, "api-unicode" + end, "-", unicode);
			ks = empty(type, "-");
			ks.setKeyEntry("leaf", ec, "".toCharArray(), chain);
			store(ks, "api-empty-password" + end, "-", "");
		}
		KeyStore ks = empty("JKS", "-");
		ks.setKeyEntry("leaf", ec, unicode.toCharArray(), chain);
		store(ks, "api-unicode-key.jks", "-", unicode);
		ks = empty("JKS", "-");
		ks.setKeyEntry("leaf", ec, "p\u00e4ss".toCharArray(), chain);
		store(ks, "api-latin1-key.jks", "-", "p\u00e4ss");
		versionOne("api-version1.jks", ec, chain);
		ks = empty("JCEKS", "-");
		ks.setKeyEntry("a", new SecretKeySpec("0123456789abcdef".getBytes(), "AES"), "pass-a".toCharArray(), null);
		ks.setKeyEntry("b", new SecretKeySpec("a secret for HMAC of some length".getBytes(), "HmacSHA512"), "pass-b".toCharArray(), null);
		ks.setKeyEntry("k", ec, "pass-k".toCharArray(), chain);
		ks.setCertificateEntry("c", cert("root"));
		store(ks, "api-keypass-secrets.jceks", "-", "changeit", "a=pass-a", "b=pass-b", "k=pass-k");

		ks = empty("PKCS12", "-");
		ks.setKeyEntry("one", ec, "pass-one".toCharArray(), chain);
		ks.setKeyEntry("two", rsa, "pass-two".toCharArray(), rsaChain);
		ks.setKeyEntry("three", key("ed25519", "EdDSA"), "".toCharArray(), new Certificate[] {cert("ed25519")});
		store(ks, "api-keypass.p12", "-", "changeit", "one=pass-one", "two=pass-two", "three=");
		ks = empty("PKCS12", "-");
		ks.setKeyEntry("leaf", ec, "".toCharArray(), chain);
		store(ks, "api-empty-password.p12", "-", "");
		ks = empty("PKCS12", "-");
		ks.setKeyEntry("\u00e9\u4e16\ud83d\ude00", ec, "changeit".toCharArray(), chain);
		store(ks, "api-unicode-alias.p12", "-", "changeit");
		store(empty("PKCS12", "-"), "api-empty.p12", "-", "changeit");

		for (String type : new String[] {"PKCS12", "PKCS12-DEF", "PKCS12-3DES-3DES", "PKCS12-DEF-3DES-3DES"}) {
			ks = empty(type, "BC");
			ks.setKeyEntry("first", ec, null, chain);
			ks.setKeyEntry("second", rsa, null, rsaChain);
			ks.setKeyEntry("third", key("p384", "EC"), null, new Certificate[] {cert("p384"), cert("sub"), cert("root")});
			store(ks, "bc-three-keys-" + type.toLowerCase() + ".p12", "BC", "changeit");
		}
		ks = empty("PKCS12", "BC");
		ks.setKeyEntry("leaf", ec, null, chain);
		store(ks, "bc-unicode-password.p12", "BC", unicode);
		bags(ec, rsa, chain, rsaChain);
	}

	/** Version 1 of JKS, which names no certificate type; no JDK since 1.2 writes it. */
	static void versionOne(String file, PrivateKey key, Certificate[] chain) throws Exception {
		KeyStore ks = empty("JKS", "-");
		ks.setKeyEntry("leaf", key, "changeit".toCharArray(), chain);
		ByteArrayOutputStream v2 = new ByteArrayOutputStream();
		ks.store(v2, "changeit".toCharArray());
		DataInputStream in = new DataInputStream(new ByteArrayInputStream(v2.toByteArray()));
		ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		DataOutputStream to = new DataOutputStream(bytes);
		to.writeInt(in.readInt());
		in.readInt();
		to.writeInt(1);
		to.writeInt(in.readInt());
		to.writeInt(in.readInt());
		to.writeUTF(in.readUTF());
		to.writeLong(in.readLong());
		byte[] data = in.readNBytes(in.readInt());
		to.writeInt(data.length);
		to.write(data);
		int certs = in.readInt();
		to.writeInt(certs);
		for (int i = 0; i < certs; i++) {
			in.readUTF();
			data = in.readNBytes(in.readInt());
			to.writeInt(data.length);
			to.write(data);
		}
		MessageDigest digest = MessageDigest.getInstance("SHA-1");
		digest.update("changeit".getBytes(StandardCharsets.UTF_16BE));
		digest.update("Mighty Aphrodite".getBytes());
		to.write(digest.digest(bytes.toByteArray()));
		Files.write(out.resolve(file), bytes.toByteArray());
		emit(file, "JKS", "-", "changeit");
	}

	/** Stores of bags no tool would combine: names, ids and safes left out. */
	static void bags(PrivateKey ec, PrivateKey rsa, Certificate[] chain, Certificate[] rsaChain) throws Exception {
		OutputEncryptor enc = new JcePKCSPBEOutputEncryptorBuilder(PKCSObjectIdentifiers.pbeWithSHAAnd3_KeyTripleDES_CBC).setProvider("BC").build("changeit".toCharArray());
		ASN1ObjectIdentifier name = PKCSObjectIdentifiers.pkcs_9_at_friendlyName, id = PKCSObjectIdentifiers.pkcs_9_at_localKeyId;

		// Java shows the first key, which has no localKeyID, and the third; it counts them 1 and 2.
		PKCS12PfxPduBuilder pfx = new PKCS12PfxPduBuilder();
		pfx.addData(new JcaPKCS12SafeBagBuilder(ec, enc).build());
		pfx.addData(new JcaPKCS12SafeBagBuilder(key("p384", "EC"), enc).build());
		pfx.addData(new JcaPKCS12SafeBagBuilder(rsa, enc).addBagAttribute(id, new DEROctetString(new byte[] {7})).build());
		pfx.addData(bag(rsaChain[0]).addBagAttribute(id, new DEROctetString(new byte[] {7})).build());
		pfx.addEncryptedData(enc, new PKCS12SafeBag[] {bag(chain[0]).build(), bag(chain[1]).build(), bag(chain[2]).build()});
		write(pfx, "bc-unnamed-keys.p12");

		// Certificates first and in the wrong order, the name on the certificate alone.
		pfx = new PKCS12PfxPduBuilder();
		pfx.addEncryptedData(enc, new PKCS12SafeBag[] {bag(chain[2]).build(), bag(chain[1]).build(),
			bag(chain[0]).addBagAttribute(id, new DEROctetString(new byte[] {1})).addBagAttribute(name, new DERBMPString("leaf")).build()});
		pfx.addEncryptedData(enc, new PKCS12SafeBag[] {
			new JcaPKCS12SafeBagBuilder(ec, enc).addBagAttribute(id, new DEROctetString(new byte[] {1})).build()});
		write(pfx, "bc-certs-first.p12");
	}

	static JcaPKCS12SafeBagBuilder bag(Certificate cert) throws Exception {
		return new JcaPKCS12SafeBagBuilder((X509Certificate) cert);
	}

	static void write(PKCS12PfxPduBuilder builder, String file) throws Exception {
		PKCS12PfxPdu pdu = builder.build(new JcePKCS12MacCalculatorBuilder().setProvider("BC"), "changeit".toCharArray());
		Files.write(out.resolve(file), pdu.getEncoded());
		emit(file, "PKCS12", "-", "changeit");
	}

	/** Prints what is in a store: file, type, provider, password, and the passwords of aliases. */
	static void list(String[] line) throws Exception {
		Map<String, String> passwords = new HashMap<>();
		for (int i = 4; i < line.length; i++) {
			String[] pair = line[i].split("=", 2);
			passwords.put(pair[0], pair[1]);
		}
		KeyStore ks = line[2].equals("-") ? KeyStore.getInstance(line[1]) : KeyStore.getInstance(line[1], line[2]);
		try (InputStream in = Files.newInputStream(out.resolve(line[0]))) {
			ks.load(in, line[3].toCharArray());
		}
		List<String> entries = new ArrayList<>();
		for (String alias : Collections.list(ks.aliases())) {
			String password = passwords.getOrDefault(alias, line[3]);
			String start = "{\"alias\":" + quote(alias);
			if (ks.isCertificateEntry(alias)) {
				entries.add(start + ",\"kind\":\"cert\",\"cert\":\"" + hash(ks.getCertificate(alias).getEncoded()) + "\"}");
				continue;
			}
			Key key = ks.getKey(alias, password.toCharArray());
			String kind = key instanceof PrivateKey ? "private" : "secret";
			List<String> chain = new ArrayList<>();
			if (ks.getCertificateChain(alias) != null) {
				for (Certificate c : ks.getCertificateChain(alias)) chain.add("\"" + hash(c.getEncoded()) + "\"");
			}
			entries.add(start + ",\"kind\":\"" + kind + "\",\"alg\":" + quote(key.getAlgorithm()) + ",\"keypass\":" + quote(password)
				+ ",\"key\":\"" + hash(key.getEncoded()) + "\",\"chain\":[" + String.join(",", chain) + "]"
				+ (line[2].equals("-") && !line[0].startsWith("bc-") ? ",\"created\":" + ks.getCreationDate(alias).getTime() : "") + "}");
		}
		String format = line[1].startsWith("PKCS12") ? "PKCS12" : line[1];
		System.out.println("{\"file\":" + quote(line[0]) + ",\"format\":\"" + format + "\",\"storepass\":" + quote(line[3])
			+ ",\"truth_by\":\"" + (line[2].equals("-") ? "java" : "bouncycastle") + "\",\"entries\":[" + String.join(",", entries) + "]}");
	}

	static String hash(byte[] data) throws Exception {
		return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
	}

	static String quote(String s) {
		StringBuilder b = new StringBuilder("\"");
		for (char c : s.toCharArray()) {
			if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') b.append(String.format("\\u%04x", (int) c));
			else b.append(c);
		}
		return b.append('"').toString();
	}
}
