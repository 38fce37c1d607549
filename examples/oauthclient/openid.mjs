// A certified OpenID Connect client, told the same as client.mjs and answering
// as it does.
import { text } from 'node:stream/consumers';
import * as openid from 'openid-client';

const { issuer, tokenURL, apiURL, clientID, secret, key, assertion } = JSON.parse(await text(process.stdin));
const privateKey = await crypto.subtle.importKey(
  'pkcs8', Buffer.from(key, 'base64'), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);

async function use(name, auth, { grant, parameters = {} } = {}) {
  try {
    const config = new openid.Configuration({ issuer, token_endpoint: tokenURL }, clientID, undefined, auth);
    openid.allowInsecureRequests(config); // loopback
    const token = grant
      ? await openid.genericGrantRequest(config, grant, parameters)
      : await openid.clientCredentialsGrant(config, parameters);
    const response = await openid.fetchProtectedResource(config, token.access_token, new URL(apiURL), 'GET');
    return { name, type: token.token_type, scope: token.scope, status: response.status, body: await response.text() };
  } catch (error) {
    return { name, error: error.error ?? error.cause?.[0]?.scheme ?? String(error), status: error.status };
  }
}

const bearer = { grant: 'urn:ietf:params:oauth:grant-type:jwt-bearer', parameters: { assertion } };
const results = [
  await use('client_secret_basic', openid.ClientSecretBasic(secret)),
  await use('client_secret_post', openid.ClientSecretPost(secret)),
  await use('private_key_jwt', openid.PrivateKeyJwt(privateKey)),
  await use('scope', openid.PrivateKeyJwt(privateKey), { parameters: { scope: 'orders' } }),
  await use('jwt-bearer', openid.PrivateKeyJwt(privateKey), bearer),
  await use('jwt-bearer, the same assertion again', openid.PrivateKeyJwt(privateKey), bearer),
  await use('a wrong secret', openid.ClientSecretBasic(secret + 'x')),
];
for (const result of results) console.log(JSON.stringify(result));
