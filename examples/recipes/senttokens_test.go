package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const balancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/0123456789abcdef"

// sentTokens are the tokens of each sender, signed ten seconds before the clock
// of the test begins.
var sentTokens = map[string]sent{
	"adfs": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			certificate := rsaPair().certificate
			keys := set(t, x5t(certificate), fmt.Sprintf(`"x5t":%q,"x5c":[%q],`, x5t(certificate), x5c(certificate)))
			return verifyADFS(keys, "http://sts.contoso.example/adfs/services/trust", "https://producer.example")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"typ":"JWT","alg":"RS256","x5t":"` + x5t(rsaPair().certificate) + `"}`,
		claims: `{"aud":"https://producer.example","iss":"http://sts.contoso.example/adfs/services/trust","iat":946684790,"nbf":946684790,"exp":946688390,"Role":["clerk","auditor"],"Group":"CONTOSO\\Domain Users","role":"x","apptype":"Confidential","appid":"1a2b","authmethod":"http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password","auth_time":"1999-12-31T23:59:50.000Z","ver":"1.0","scp":"openid"}`,
		wrong: []wrong{
			{"of another farm", "sts.contoso.example", "sts.fabrikam.example", tokenprofile.ErrIssuer},
			{"for another API", "https://producer.example", "https://warehouse.example", tokenprofile.ErrAudience},
		},
	},
	"auth0": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyAuth0(set(t, "NjVBRjY5", ""), "https://tenant.eu.auth0.com/", "https://producer.example")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","typ":"JWT","kid":"NjVBRjY5"}`,
		claims: `{"iss":"https://tenant.eu.auth0.com/","sub":"auth0|5f7c8ec7","aud":["https://producer.example","https://tenant.eu.auth0.com/userinfo"],"iat":946684790,"exp":946771190,"azp":"my_client_id","scope":"openid profile read:orders"}`,
		wrong: []wrong{
			{"of another tenant", "https://tenant.", "https://other.", tokenprofile.ErrIssuer},
			{"of the tenant without its slash", `auth0.com/","sub"`, `auth0.com","sub"`, tokenprofile.ErrIssuer},
			{"for another API", "https://producer.example", "https://warehouse.example", tokenprofile.ErrAudience},
			{"for the userinfo endpoint alone", `"https://producer.example",`, "", tokenprofile.ErrAudience},
			{"an id token's kind of type", `"typ":"JWT"`, `"typ":"logout+jwt"`, tokenprofile.ErrType},
		},
	},
	"cognito": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyCognito(set(t, "1234example=", ""), "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_example", "xxxxxxxxxxxxexample")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"kid":"1234example=","alg":"RS256"}`,
		claims: `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","device_key":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","cognito:groups":["admin"],"token_use":"access","scope":"aws.cognito.signin.user.admin","auth_time":946684790,"iss":"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_example","exp":946688390,"iat":946684790,"version":2,"jti":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","client_id":"xxxxxxxxxxxxexample","username":"janedoe@example.com"}`,
		wrong: []wrong{
			{"of another pool", "eu-central-1_example", "eu-central-1_other", tokenprofile.ErrIssuer},
			{"of another client", `"client_id":"xxxxxxxxxxxxexample"`, `"client_id":"other"`, tokenprofile.ErrAudience},
			{"with the client in aud alone", `"client_id"`, `"aud"`, tokenprofile.ErrAudience},
			{"an id token", `"token_use":"access"`, `"token_use":"id"`, tokenprofile.ErrClaim},
		},
	},
	"entratenants": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyEntraTenants(set(t, "i6lGk3FZzxRcUb2C3nEQ7syHJlY", `"x5t":"i6lGk3FZzxRcUb2C3nEQ7syHJlY",`), "00001111-aaaa-2222-bbbb-3333cccc4444",
				"bbbbcccc-1111-dddd-2222-eeee3333ffff", "aaaabbbb-0000-cccc-1111-dddd2222eeee")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"typ":"JWT","alg":"RS256","kid":"i6lGk3FZzxRcUb2C3nEQ7syHJlY"}`,
		claims: `{"aud":"00001111-aaaa-2222-bbbb-3333cccc4444","iss":"https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0","iat":946684500,"nbf":946684500,"exp":946690200,"aio":"AXQAi","azp":"11112222-bbbb-3333-cccc-4444dddd5555","azpacr":"1","name":"Abe Lincoln","oid":"aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb","preferred_username":"abeli@contoso.example","rh":"I","scp":"access_as_user","sub":"HKZpfaHyWadeOouYlitjrI","tid":"aaaabbbb-0000-cccc-1111-dddd2222eeee","uti":"fqiBqXLPj0eQa82S-IYFAA","ver":"2.0"}`,
		wrong: []wrong{
			{"of a tenant that is no customer", "microsoftonline.com/aaaabbbb", "microsoftonline.com/ccccdddd", tokenprofile.ErrIssuer},
			{"of a tenant in other letters", "microsoftonline.com/aaaabbbb", "microsoftonline.com/AAAABBBB", tokenprofile.ErrIssuer},
			{"of the first version", `"ver":"2.0"`, `"ver":"1.0"`, tokenprofile.ErrClaim},
			{"of the first version's issuer", "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0", "https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/", tokenprofile.ErrIssuer},
			{"for another API", `"aud":"0000`, `"aud":"1111`, tokenprofile.ErrAudience},
		},
	},
	"gitlab": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyGitLab(set(t, "4i3sFE7sxqNPOT7FdvcGA1ZVGGI_r-tsDXnEuYT4ZqE", ""), "https://gitlab.example.com", "https://vault.example.com", "my-group/my-project")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"kid":"4i3sFE7sxqNPOT7FdvcGA1ZVGGI_r-tsDXnEuYT4ZqE","typ":"JWT","alg":"RS256"}`,
		claims: `{"namespace_id":"72","namespace_path":"my-group","project_id":"20","project_path":"my-group/my-project","user_id":"1","user_login":"sample-user","user_identities":[],"pipeline_id":"574","pipeline_source":"push","job_id":"302","ref":"main","ref_type":"branch","ref_path":"refs/heads/main","ref_protected":"true","runner_id":1,"runner_environment":"self-hosted","sha":"714a629c","project_visibility":"public","jti":"235b3a54-b797-45c7-ae9a-f72d7bc6ef5b","iat":946684790,"nbf":946684785,"exp":946688390,"iss":"https://gitlab.example.com","aud":"https://vault.example.com","sub":"project_path:my-group/my-project:ref_type:branch:ref:main"}`,
		wrong: []wrong{
			{"of another server", `"iss":"https://gitlab.example.com"`, `"iss":"https://gitlab.com"`, tokenprofile.ErrIssuer},
			{"for another service", "https://vault.example.com", "https://registry.example.com", tokenprofile.ErrAudience},
			{"of another project", `"project_path":"my-group`, `"project_path":"her-group`, tokenprofile.ErrClaim},
			{"of a branch that is not protected", `"ref_protected":"true"`, `"ref_protected":"false"`, tokenprofile.ErrClaim},
		},
	},
	"googlesender": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyGoogle(set(t, "7d680d8c70d44e947133cbd499ebc1a61c3d5abc", ""), "https://producer.example/push", "gae-gcp@appspot.gserviceaccount.com")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","kid":"7d680d8c70d44e947133cbd499ebc1a61c3d5abc","typ":"JWT"}`,
		claims: `{"aud":"https://producer.example/push","azp":"113774264463038321964","email":"gae-gcp@appspot.gserviceaccount.com","sub":"113774264463038321964","email_verified":true,"exp":946688390,"iat":946684790,"iss":"https://accounts.google.com"}`,
		wrong: []wrong{
			{"of another issuer", "https://accounts.google.com", "https://accounts.google.example", tokenprofile.ErrIssuer},
			{"for another service", "producer.example", "warehouse.example", tokenprofile.ErrAudience},
			{"of another account", `"email":"gae`, `"email":"mallory`, tokenprofile.ErrClaim},
			{"of an account that was not verified", `"email_verified":true`, `"email_verified":"true"`, tokenprofile.ErrClaim},
		},
	},
	"keycloak": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyKeycloak(set(t, "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE", ""), "https://sso.example/realms/main", "consumer")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","typ":"JWT","kid":"FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE"}`,
		claims: `{"exp":946685090,"nbf":0,"iat":946684790,"jti":"d3c0e4a2-5c8e-4d3b-9a40-3f8f1d8b7e35","iss":"https://sso.example/realms/main","sub":"8f8f8f8f-0000-4000-8000-000000000001","typ":"Bearer","azp":"consumer","acr":"1","realm_access":{"roles":["clerk"]},"scope":"profile email","clientHost":"10.0.0.1","preferred_username":"service-account-consumer"}`,
		wrong: []wrong{
			{"of another realm", "realms/main", "realms/master", tokenprofile.ErrIssuer},
			{"of another client", `"azp":"consumer"`, `"azp":"other"`, tokenprofile.ErrAudience},
			{"of no client", `"azp":"consumer",`, ``, tokenprofile.ErrAudience},
			{"an id token", `"typ":"Bearer"`, `"typ":"ID"`, tokenprofile.ErrClaim},
			{"a refresh token", `"typ":"Bearer"`, `"typ":"Refresh"`, tokenprofile.ErrClaim},
		},
	},
	"kubernetes": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyKubernetes(set(t, "rLtUaRrAOyUhC3qbfGZ2IzRCyMjTe8u3x_4GTnCQ1ZY", ""), "https://kubernetes.default.svc.cluster.local", "https://producer.example", "my-namespace", "my-serviceaccount")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","kid":"rLtUaRrAOyUhC3qbfGZ2IzRCyMjTe8u3x_4GTnCQ1ZY"}`,
		claims: `{"aud":["https://producer.example"],"exp":946688390,"iat":946684790,"iss":"https://kubernetes.default.svc.cluster.local","jti":"ea28ed49-2e11-4280-9ec5-bc3d1d84661a","kubernetes.io":{"namespace":"my-namespace","node":{"name":"my-node","uid":"646e7c5e"},"pod":{"name":"my-pod","uid":"5e0bd49b"},"serviceaccount":{"name":"my-serviceaccount","uid":"14ee3fa4"}},"nbf":946684790,"sub":"system:serviceaccount:my-namespace:my-serviceaccount"}`,
		wrong: []wrong{
			{"of another cluster", "svc.cluster.local", "svc.cluster2.local", tokenprofile.ErrIssuer},
			{"for the API server", `["https://producer.example"]`, `["https://kubernetes.default.svc.cluster.local"]`, tokenprofile.ErrAudience},
			{"of another account", "my-namespace:my-serviceaccount", "my-namespace:default", tokenprofile.ErrSubject},
		},
	},
	"loadbalancer": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			keys := &loadBalancerKeys{region: "eu-central-1", client: &http.Client{Transport: balancerKeys(t, new([]string))}}
			return verifyLoadBalancer(keys, "https://idp.example", "client", balancer)
		},
		key: ecPair, stranger: ecStranger,
		header: `{"typ":"JWT","kid":"12345678-1234-1234-1234-123456789012","alg":"ES256","iss":"https://idp.example","client":"client","signer":"` + balancer + `","exp":946684920}`,
		claims: `{"sub":"1234567890","name":"name","email":"alias@example.com","exp":946684920,"iss":"https://idp.example"}`,
		encode: base64.URLEncoding.EncodeToString,
		wrong: []wrong{
			{"of another issuer", `,"iss":"https://idp.example"}`, `,"iss":"https://other.example"}`, tokenprofile.ErrIssuer},
			{"for another client", `"client":"client"`, `"client":"other"`, tokenprofile.ErrHeader},
			{"of another balancer", "123456789012:loadbalancer", "210987654321:loadbalancer", tokenprofile.ErrHeader},
			{"of no balancer", `"signer"`, `"Signer"`, tokenprofile.ErrHeader},
			{"under a key that is nowhere", "12345678-1234", "87654321-1234", tokenprofile.ErrUnknownKey},
			{"under a kid that is a path", "12345678-1234", "../../x", tokenprofile.ErrUnknownKey},
		},
	},
	"okta": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyOkta(set(t, "45js03w0djwedsw", ""), "https://org.okta.com/oauth2/default", "api://default", "nmdP1fcyvdVO11AL7ECm")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","kid":"45js03w0djwedsw"}`,
		claims: `{"ver":1,"jti":"AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE","iss":"https://org.okta.com/oauth2/default","aud":"api://default","sub":"00ujmkLgagxeRrAg20g3","iat":946684790,"exp":946688390,"cid":"nmdP1fcyvdVO11AL7ECm","uid":"00ujmkLgagxeRrAg20g3","scp":["openid"],"Groups":["Everyone"],"groups":[],"Scope":"openid"}`,
		wrong: []wrong{
			{"of another server of the org", "oauth2/default", "oauth2/aus9s3ami4MRoqQR90h7", tokenprofile.ErrIssuer},
			{"for another API", `"api://default"`, `"api://stock"`, tokenprofile.ErrAudience},
			{"of another client", `"cid":"nmdP1`, `"cid":"other`, tokenprofile.ErrClaim},
			{"with the client's twin", `"cid":"nmd`, `"Cid":"other","cid":"nmd`, tokenprofile.ErrMalformed},
		},
	},
	"partner": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyPartner(truststore(t, rsaPair().certificate), "https://partner.example", "https://producer.example")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","typ":"JWT","kid":"what the partner calls it"}`,
		claims: `{"iss":"https://partner.example","aud":"https://producer.example","iat":946684790,"exp":946685090}`,
		wrong: []wrong{
			{"of another partner", "https://partner.example", "https://partner2.example", tokenprofile.ErrIssuer},
			{"for another system", "https://producer.example", "https://warehouse.example", tokenprofile.ErrAudience},
			{"that lives for an hour", `"exp":946685090`, `"exp":946688390`, tokenprofile.ErrLifetime},
		},
		forged: tokenprofile.ErrUnknownKey, // its kid might be another key's
	},
	"pega": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifyPega(set(t, "pega", ""), "https://pega.example", "https://producer.example")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"kid":"e2a46e4ff9c9a7b1a8e6","cty":"application/json","typ":"JWT","alg":"RS256"}`,
		claims: `{"sub":"operator@pega.example","aud":"https://producer.example","nbf":946684790,"iss":"https://pega.example","exp":946685390,"iat":946684790,"jti":"0f2c1a7e"}`,
		wrong: []wrong{
			{"of another system", "https://pega.example", "https://pega2.example", tokenprofile.ErrIssuer},
			{"for another system", "https://producer.example", "https://warehouse.example", tokenprofile.ErrAudience},
			{"of another content", `"cty":"application/json",`, ``, tokenprofile.ErrType},
		},
	},
	"sap": {
		verifier: func(t *testing.T) (transport.TokenVerifier, error) {
			return verifySAP(set(t, "default-jwt-key--1529804239", ""), "https://tenant.authentication.eu10.hana.ondemand.com", "orders!t123")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","jku":"https://tenant.authentication.eu10.hana.ondemand.com/token_keys","kid":"default-jwt-key--1529804239","typ":"JWT","jid":"x"}`,
		claims: `{"jti":"c9b0e3c7a0b94f7d","ext_attr":{"enhancer":"XSUAA","subaccountid":"s","zdn":"tenant"},"sub":"sb-orders!t123","authorities":["uaa.resource","orders!t123.read"],"scope":["uaa.resource","orders!t123.read"],"client_id":"sb-orders!t123","cid":"sb-orders!t123","azp":"sb-orders!t123","grant_type":"client_credentials","rev_sig":"8a3f","iat":946684790,"exp":946727990,"iss":"https://tenant.authentication.eu10.hana.ondemand.com/oauth/token","zid":"z","aud":["uaa","orders!t123","sb-orders!t123"]}`,
		wrong: []wrong{
			{"of another tenant", "https://tenant.authentication.eu10.hana.ondemand.com/oauth", "https://other.authentication.eu10.hana.ondemand.com/oauth", tokenprofile.ErrIssuer},
			{"for another application", `"aud":["uaa","orders!t123","sb-orders!t123"]`, `"aud":["uaa","stock!t123"]`, tokenprofile.ErrAudience},
			{"under a key that only its jku has", "default-jwt-key--1529804239", "default-jwt-key--1", tokenprofile.ErrUnknownKey},
		},
	},
}
