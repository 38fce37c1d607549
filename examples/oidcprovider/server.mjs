// An OpenID Connect provider on loopback with one confidential client. It is
// told where the client's JWK Set is, and prints its issuer when it listens.
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Provider } from 'oidc-provider';

const [jwksURI, resource] = process.argv.slice(2);

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'billing',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'RS256',
    jwks_uri: jwksURI,
    scope: 'orders',
  }],
  // The provider's own dispatcher refuses loopback addresses, where this client's keys are.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  clientAuthMethods: ['private_key_jwt'],
  scopes: ['orders'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // Every proof needs a nonce, so that each first request is refused and repeated with one.
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      getResourceServerInfo: () => ({
        scope: 'orders',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});
provider.on('server_error', (_, error) => console.error(error));
provider.on('grant.error', (_, error) => console.error(error.error_description ?? error.message, error.error_detail ?? ''));
server.on('request', provider.callback());
console.log(issuer);
