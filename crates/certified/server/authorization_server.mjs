// oidc-provider, with every feature that matters to the client credentials grant.

import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto';

import { exportJWK, generateKeyPair } from 'jose';
import { errors, Provider } from 'oidc-provider';

import { API } from './issuer_client.mjs';

// The issuer is the host and the path. `mutualHost` serves the same endpoints to clients with certificates.
export async function authorizationServer({ host, mutualHost, path, api, clients }, outcomes) {
  const alias = (endpoint) => `${mutualHost}${path}/token${endpoint}`;
  const provider = new Provider(`${host}${path}`, {
    clients: [...clients, API].map(registered),
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none',
      'tls_client_auth', 'self_signed_tls_client_auth',
    ],
    enabledJWA: {
      clientAuthSigningAlgValues: ['HS256', 'HS384', 'HS512', ...SIGNATURES],
      dPoPSigningAlgValues: SIGNATURES,
    },
    jwks: { keys: [await signingKey('RS256'), await signingKey('ES256')] },
    scopes: ['read', 'write'],
    ttl: { ClientCredentials: 600 },
    discovery: {
      mtls_endpoint_aliases: {
        token_endpoint: alias(''),
        introspection_endpoint: alias('/introspection'),
        revocation_endpoint: alias('/revocation'),
      },
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      // Every proof must have a nonce.
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      introspection: { enabled: true },
      mTLS,
      resourceIndicators: resources(api),
      revocation: { enabled: true },
      richAuthorizationRequests,
    },
  });
  provider.on('grant.success', (ctx) => outcomes.record(ctx.oidc.client.clientId, 'ok'));
  provider.on('grant.error', ({ oidc: { client, params } }, { error }) => {
    outcomes.record(params?.client_id ?? client?.clientId, error);
  });
  provider.on('server_error', (_, error) => console.error(error));
  return provider;
}

// The algorithms that sign with a private key.
export const SIGNATURES = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA',
];

async function signingKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, kid: alg, use: 'sig' };
}

// Returns the metadata of a client in the form that oidc-provider registers.
function registered({ public_key: publicKey, certificate, ...metadata }) {
  const keys = [];
  if (publicKey) {
    keys.push(createPublicKey(publicKey).export({ format: 'jwk' }));
  }
  if (certificate) {
    const { publicKey: key, raw } = new X509Certificate(certificate);
    keys.push({ ...key.export({ format: 'jwk' }), x5c: [raw.toString('base64')] });
  }
  const usual = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
  return { ...usual, ...(keys.length && { jwks: { keys } }), ...metadata };
}

// RFC 8705. The connection is accepted with or without a certificate, which is checked here.
const mTLS = {
  enabled: true,
  certificateBoundAccessTokens: true,
  selfSignedTlsClientAuth: true,
  tlsClientAuth: true,
  getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches(ctx, property, expected) {
    if (property !== 'tls_client_auth_san_dns') {
      throw new Error(`register clients with tls_client_auth_san_dns instead of ${property}`);
    }
    return ctx.socket.getPeerX509Certificate().subjectAltName === `DNS:${expected}`;
  },
};

// RFC 8707. Tokens for `/jwt` are JWTs, which the API verifies itself. It introspects those for `/opaque`.
function resources(api) {
  const formats = { [`${api}/jwt`]: 'jwt', [`${api}/opaque`]: 'opaque' };
  return {
    enabled: true,
    getResourceServerInfo(_, resource) {
      const accessTokenFormat = formats[resource];
      if (!accessTokenFormat) {
        throw new errors.InvalidTarget('unknown resource');
      }
      return { scope: 'read write', accessTokenFormat, jwt: { sign: { alg: 'ES256' } } };
    },
  };
}

// RFC 9396.
const richAuthorizationRequests = {
  enabled: true,
  types: {
    booking: {
      validate(_, { actions }) {
        if (!Array.isArray(actions)) {
          throw new errors.InvalidAuthorizationDetails('a booking needs actions');
        }
      },
    },
  },
  authorizationDetailsForAccessToken: (ctx) => JSON.parse(ctx.oidc.params.authorization_details),
  authorizationDetailsForIntrospection: (_, token) => token.rar,
};
