package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// key is a handle to a KMS key: each signature is made in KMS.
type key struct {
	client *kms.Client
	id     string
	public crypto.PublicKey
}

var _ keystore.ContextSigner = key{}

func (k key) Public() crypto.PublicKey { return k.public }

// SignContext has KMS sign a digest. It ends with ctx.
func (k key) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	algorithm, err := k.algorithm(opts)
	if err != nil {
		return nil, err
	}
	out, err := k.client.Sign(ctx, &kms.SignInput{
		KeyId: &k.id, Message: digest, MessageType: types.MessageTypeDigest, SigningAlgorithm: algorithm,
	})
	if err != nil {
		return nil, fmt.Errorf("kms: key %s: %w", k.id, err)
	}
	return out.Signature, nil
}

// Sign is for those who have no context.
func (k key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}

// algorithm is what KMS calls the scheme and the hash: ECDSA_SHA_256. Its salt
// for PSS is as long as the hash, as RFC 7518 section 3.5 wants it.
func (k key) algorithm(opts crypto.SignerOpts) (types.SigningAlgorithmSpec, error) {
	var scheme string
	switch k.public.(type) {
	case *ecdsa.PublicKey:
		scheme = "ECDSA"
	case *rsa.PublicKey:
		scheme = "RSASSA_PKCS1_V1_5"
		if _, pss := opts.(*rsa.PSSOptions); pss {
			scheme = "RSASSA_PSS"
		}
	default:
		return "", fmt.Errorf("kms: key %s: %w: signing with %T", k.id, keystore.ErrUnsupported, k.public)
	}
	return types.SigningAlgorithmSpec(fmt.Sprintf("%s_SHA_%d", scheme, 8*opts.HashFunc().Size())), nil
}
