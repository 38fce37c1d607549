package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyGitLab admits the id tokens that GitLab CI makes for the jobs of a project
// on protected branches. The issuer is "https://gitlab.com", or that of one's own
// server, the keys are a [jwks.Client] of issuer + "/oauth/discovery/keys", and the
// audience is what the job's id_tokens say.
//
// Form: GitLab Docs, "OpenID Connect (OIDC) Authentication Using ID Tokens":
// project_path, and texts for booleans. exp is the job's timeout away, an hour by
// default.
//
// Given up: nothing. The issuer is everybody's who has a project there, and aud is
// theirs to choose: project_path is what tells ours.
func verifyGitLab(keys keystore.PublicSource, issuer, audience, project string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{audience},
		Lifetime:  time.Hour,
		Claims:    map[string]any{"project_path": project, "ref_protected": "true"},
	}.Verifier(keys)
}
