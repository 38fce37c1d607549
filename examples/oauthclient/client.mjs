// A certified OAuth client. It reads where the servers are and its key from
// standard input, gets tokens in several ways, calls the API with each, and
// prints one line of JSON per way.
import { text } from 'node:stream/consumers';
import * as oauth from 'oauth4webapi';

const { issuer, tokenURL, apiURL, clientID, secret, key, assertion } = JSON.parse(await text(process.stdin));
const as = { issuer, token_endpoint: tokenURL };
const client = { client_id: clientID };
const insecure = { [oauth.allowInsecureRequests]: true }; // loopback

const privateKey = await crypto.subtle.importKey(
  'pkcs8', Buffer.from(key, 'base64'), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);

// again repeats what a server refused only because it wants a nonce.
async function again(ask) {
  try {
    return await ask();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return ask();
  }
}

async function use(name, auth, { DPoP, grant = 'client_credentials', parameters = {} } = {}) {
  try {
    const options = { ...insecure, DPoP };
    const token = await again(async () => oauth.processGenericTokenEndpointResponse(as, client,
      await oauth.genericTokenEndpointRequest(as, client, auth, grant, new URLSearchParams(parameters), options)));
    const response = await again(() =>
      oauth.protectedResourceRequest(token.access_token, 'GET', new URL(apiURL), new Headers(), null, options));
    return { name, type: token.token_type, scope: token.scope, status: response.status, body: await response.text() };
  } catch (error) {
    return { name, error: error.error ?? error.cause?.[0]?.scheme ?? String(error), status: error.status };
  }
}

const proof = async (algorithm) => oauth.DPoP(client, await oauth.generateKeyPair(algorithm));
const bearer = { grant: 'urn:ietf:params:oauth:grant-type:jwt-bearer', parameters: { assertion } };
const results = [
  await use('client_secret_basic', oauth.ClientSecretBasic(secret)),
  await use('client_secret_post', oauth.ClientSecretPost(secret)),
  await use('private_key_jwt', oauth.PrivateKeyJwt(privateKey)),
  await use('scope', oauth.PrivateKeyJwt(privateKey), { parameters: { scope: 'orders' } }),
  await use('jwt-bearer', oauth.PrivateKeyJwt(privateKey), bearer),
  await use('jwt-bearer, the same assertion again', oauth.PrivateKeyJwt(privateKey), bearer),
  await use('a wrong secret', oauth.ClientSecretBasic(secret + 'x')),
];
for (const algorithm of ['ES256', 'PS256', 'RS256', 'EdDSA']) {
  results.push(await use(`DPoP ${algorithm}`, oauth.PrivateKeyJwt(privateKey), { DPoP: await proof(algorithm) }));
}
for (const result of results) console.log(JSON.stringify(result));
