package main

import (
	"crypto/rand"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A recipe is a row of the list: a function of this folder, with example values.
type recipe struct {
	name, line string
	algorithm  tokenprofile.Algorithm
	claims     any // given with each token, where the receiver wants some
	make       func(keys) (end, error)
}

// An end is a *[tokenprofile.Signer], or a [transport.TokenVerifier].
type end any

// keys are what recipes sign and verify with.
type keys struct {
	own     *keystore.Store
	secret  keystore.SecretKey
	account *googleAccount // with the same key
}

// throwAway makes keys for the algorithm that serve for once.
func throwAway(algorithm tokenprofile.Algorithm) (k keys, err error) {
	switch {
	case algorithm == "":
		return k, nil
	case algorithm.UsesSecret():
		k.secret, err = keystore.NewSecretKey([]byte(rand.Text()+rand.Text()), "")
		return k, err
	}
	now := time.Now()
	key, err := keystore.Generate(algorithm, "CN=recipes", now, now.Add(time.Hour))
	if err != nil {
		return k, err
	}
	return keysOf(key), nil
}

func keysOf(key keystore.PrivateKey) keys {
	return keys{own: keystore.New(key), account: &googleAccount{
		email: "billing@project.iam.gserviceaccount.com", tokenURL: "https://oauth2.googleapis.com/token",
		keys: keystore.New(key.WithKeyID("f1d2d2f924e986ac86fdf7b36c94bcdf32beec15")),
	}}
}

// receivers prescribe the tokens they take.
var receivers = []recipe{
	{"apns", "Apple Push Notification service", tokenprofile.ES256, nil, func(k keys) (end, error) {
		return signForAPNs(k.own, "DEF123GHIJ", "ABC123DEFG")
	}},
	{"applesignin", "Sign in with Apple: the client secret", tokenprofile.ES256, nil, func(k keys) (end, error) {
		return signForAppleSignIn(k.own, "DEF123GHIJ", "com.example.app", "ABC123DEFG")
	}},
	{"appstoreconnect", "App Store Connect API", tokenprofile.ES256, nil, func(k keys) (end, error) {
		return signForAppStoreConnect(k.own, "57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34", "GET /v1/apps")
	}},
	{"appstoreserver", "App Store Server API", tokenprofile.ES256, nil, func(k keys) (end, error) {
		return signForAppStoreServer(k.own, "57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34", "com.example.app")
	}},
	{"box", "Box: JWT bearer grant with the client secret in the body", tokenprofile.RS512, nil, func(k keys) (end, error) {
		return signForBox(k.own, "4mz8x2ab", "client", "801234")
	}},
	{"coinbase", "Coinbase Developer Platform: a nonce and a uri per token", tokenprofile.ES256, map[string]string{"uri": "GET api.coinbase.com/v2/accounts"}, func(k keys) (end, error) {
		return signForCoinbase(k.own, "organizations/7b1c/apiKeys/9d2e")
	}},
	{"docusign", "DocuSign: JWT bearer grant", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForDocuSign(k.own, "account-d.docusign.com", "7c2b8d7e-83c3-4940-af5e-cda8a50dd73f", "464f7988-86b9-4ad5-9459-f2fd8c35dd16")
	}},
	{"entra", "Microsoft Entra ID: client assertion by certificate", tokenprofile.PS256, nil, func(k keys) (end, error) {
		return signForEntra(k.own, "contoso.onmicrosoft.com", "11112222-bbbb-3333-cccc-4444dddd5555")
	}},
	{"epic", "Epic and other SMART backend services: client assertion with jku", tokenprofile.RS384, nil, func(k keys) (end, error) {
		return signForEpic(k.own, "https://ehr.example/oauth2/token", "client", "https://consumer.example/jwks.json")
	}},
	{"githubapp", "GitHub App", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForGitHub(k.own, "123456")
	}},
	{"google", "Google service account: JWT bearer grant", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForGoogle(k.account, "https://www.googleapis.com/auth/pubsub")
	}},
	{"googleapi", "Google service account: self-signed for one API", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForGoogleAPI(k.account, "https://pubsub.googleapis.com/")
	}},
	{"googleidtoken", "Google service account: id tokens for a service", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForGoogleIDToken(k.account, "https://service.run.app")
	}},
	{"googlescope", "Google service account: self-signed for a scope", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForGoogleScope(k.account, "https://www.googleapis.com/auth/pubsub")
	}},
	{"openbanking", "Open Banking and FAPI: client assertion", tokenprofile.PS256, nil, func(k keys) (end, error) {
		return signForOpenBanking(k.own, "https://bank.example/token", "client")
	}},
	{"openbankingcritical", "Open Banking: the time as a critical header parameter", tokenprofile.PS256, nil, func(k keys) (end, error) {
		return signWithCriticalTime(k.own, "https://bank.example/token", "client", "0015800001041RHAAY")
	}},
	{"salesforce", "Salesforce: JWT bearer grant", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForSalesforce(k.own, "https://login.salesforce.com", "client", "billing@consumer.example")
	}},
	{"snowflake", "Snowflake: the key's fingerprint in iss", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return signForSnowflake(k.own, "ORG-ACCOUNT", "BILLING")
	}},
	{"twilio", "Twilio: access tokens of client SDKs", tokenprofile.HS256, nil, func(k keys) (end, error) {
		return signForTwilio(k.secret, "AC0123", "SK4567", map[string]any{"identity": "alice"})
	}},
	{"zoommeeting", "Zoom Meeting SDK", tokenprofile.HS256, map[string]any{"mn": "87270695528", "role": 0}, func(k keys) (end, error) {
		return signForZoomMeeting(k.secret, "sdk-key")
	}},
}

// senders send tokens as they are.
var senders = []recipe{
	{"adfs", "Active Directory Federation Services: x5t, or several keys and no kid", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyADFS(k.own, "http://adfs.example/adfs/services/trust", "https://producer.example")
	}},
	{"auth0", "Auth0: access tokens that live a day", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyAuth0(k.own, "https://tenant.eu.auth0.com/", "https://producer.example")
	}},
	{"cognito", "Amazon Cognito: access tokens with client_id and without aud", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyCognito(k.own, "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123", "1example23456789")
	}},
	{"entratenants", "Microsoft Entra ID: an issuer for each tenant", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyEntraTenants(k.own, "11112222-bbbb-3333-cccc-4444dddd5555", "aaaabbbb-0000-cccc-1111-dddd2222eeee")
	}},
	{"gitlab", "GitLab CI: the id tokens of a project's jobs", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyGitLab(k.own, "https://gitlab.com", "https://producer.example", "group/project")
	}},
	{"googlesender", "Google Pub/Sub and Cloud Scheduler: id tokens of a service account", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyGoogle(k.own, "https://producer.example/push", "pubsub@project.iam.gserviceaccount.com")
	}},
	{"keycloak", "Keycloak without an audience mapper: azp", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyKeycloak(k.own, "https://sso.example/realms/main", "consumer")
	}},
	{"kubernetes", "Kubernetes: the projected tokens of a service account", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyKubernetes(k.own, "https://kubernetes.default.svc.cluster.local", "https://producer.example", "shop", "billing")
	}},
	{"loadbalancer", "AWS Application Load Balancer: X-Amzn-Oidc-Data", tokenprofile.ES256, nil, func(k keys) (end, error) {
		return verifyLoadBalancer(k.own, "https://idp.example", "client", "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/0123456789abcdef")
	}},
	{"okta", "Okta: access tokens of a custom authorization server", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyOkta(k.own, "https://org.okta.com/oauth2/default", "api://default", "0oabv6kx4qq6h1U5l0h7")
	}},
	{"partner", "A partner whose certificate is in our truststore", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyPartner(k.own, "https://partner.example", "https://producer.example")
	}},
	{"pega", "Pega Platform: a kid that is new for every token", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifyPega(k.own, "https://pega.example", "https://producer.example")
	}},
	{"sap", "SAP XSUAA and Cloud Foundry UAA: a jku that is not followed", tokenprofile.RS256, nil, func(k keys) (end, error) {
		return verifySAP(k.own, "https://tenant.authentication.eu10.hana.ondemand.com", "orders!t123")
	}},
}

// exchanges have no token of their own: they trade one of the receivers' above.
var exchanges = []recipe{
	{name: "entraonbehalf", line: "Microsoft Entra ID: on behalf of a user who has called our API"},
	{name: "githubinstallation", line: "GitHub App: the tokens of an installation"},
	{name: "zoomserver", line: "Zoom server-to-server: a grant type of its own"},
}
