// The other side: npm's jose behind a small HTTP server on loopback. It prints
// its address, serves its own JWK Set, and does what POST /OPERATION asks.
import { createServer } from "node:http";
import * as jose from "jose";

const signing = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const agreement = ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"];

// One key pair for each algorithm, and for ECDH-ES for each curve. They are
// named alg or alg/curve, which is their kid too.
const keys = new Map();
async function generate(name, alg, use, options) {
  const pair = await jose.generateKeyPair(alg, { extractable: true, ...options });
  const jwk = { ...(await jose.exportJWK(pair.publicKey)), kid: name, alg, use };
  keys.set(name, { ...pair, jwk });
}
let generation = 0;
async function generateSigning() {
  generation++;
  for (const alg of signing) await generate(`${alg}-${generation}`, alg, "sig", { modulusLength: 2048 });
}
await generateSigning();
for (const alg of ["RSA-OAEP", "RSA-OAEP-256"]) await generate(alg, alg, "enc", { modulusLength: 2048 });
for (const alg of agreement)
  for (const crv of ["P-256", "P-384", "P-521", "X25519"]) await generate(`${alg}/${crv}`, alg, "enc", { crv });

const secret = (k) => jose.base64url.decode(k);

// key is the key named, a shared secret, or a public key out of a JWK Set.
async function publicKey({ alg, k, jwks, kid }) {
  if (k) return secret(k);
  const set = await (await fetch(jwks)).json();
  const jwk = set.keys.find((key) => key.kid === kid);
  if (!jwk) throw new Error(`no key ${kid} in ${jwks}`);
  return jose.importJWK(jwk, alg);
}

const remotes = new Map(); // one remote set a URL, so that it lives through a rotation
function remote(url) {
  if (!remotes.has(url)) remotes.set(url, jose.createRemoteJWKSet(new URL(url), { cooldownDuration: 0 }));
  return remotes.get(url);
}

const operations = {
  async rotate() {
    for (const alg of signing) keys.delete(`${alg}-${generation - 1}`);
    await generateSigning();
    return {};
  },
  async sign({ alg, k, claims }) {
    const name = `${alg}-${generation}`;
    const header = k ? { alg, typ: "JWT" } : { alg, typ: "JWT", kid: name };
    const token = await new jose.SignJWT(claims).setProtectedHeader(header)
      .sign(k ? secret(k) : keys.get(name).privateKey);
    return { token };
  },
  async verify({ alg, k, jwks, token, issuer, audience }) {
    const options = { algorithms: [alg], issuer, audience, typ: "JWT", requiredClaims: ["exp", "iat"] };
    const { payload, protectedHeader } = await jose.jwtVerify(token, k ? secret(k) : remote(jwks), options);
    return { claims: payload, header: protectedHeader };
  },
  async encrypt({ alg, enc, k, jwks, kid, cty, typ, plaintext }) {
    const header = { alg, enc, kid, cty, typ };
    for (const name in header) if (header[name] === undefined) delete header[name];
    const token = await new jose.CompactEncrypt(new TextEncoder().encode(plaintext))
      .setProtectedHeader(header).encrypt(await publicKey({ alg, k, jwks, kid }));
    return { token };
  },
  async decrypt({ alg, enc, k, name, token }) {
    const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc] };
    const key = k ? secret(k) : keys.get(name).privateKey;
    const { plaintext, protectedHeader } = await jose.compactDecrypt(token, key, options);
    return { plaintext: new TextDecoder().decode(plaintext), header: protectedHeader };
  },
};

function publish(path) {
  if (path === "/jwks.json") return [...keys.values()].map((key) => key.jwk);
  const name = decodeURIComponent(path.replace(/^\/keys\//, ""));
  return keys.has(name) ? [keys.get(name).jwk] : [];
}

async function answer(request) {
  const path = new URL(request.url, "http://localhost").pathname;
  if (request.method === "GET") return { keys: publish(path) };
  let body = "";
  for await (const chunk of request) body += chunk;
  return operations[path.slice(1)](JSON.parse(body));
}

const server = createServer(async (request, response) => {
  try {
    const body = JSON.stringify(await answer(request));
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  } catch (error) {
    response.writeHead(422, { "content-type": "application/json" }).end(JSON.stringify({ error: String(error) }));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit()); // it ends with the test
