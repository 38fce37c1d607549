package keystore

import (
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// ByAlias returns the keys of the entries with the alias, in any case, as Java
// compares aliases. Those of [Store.PrivateKeys] and [Store.SecretKeys] are
// looked up: a store may hold thousands of keys, and every signature asks.
// Others are searched.
func ByAlias[K interface {
	PrivateKey | PublicKey | SecretKey
	Alias() string
}](keys []K, alias string) []K {
	index := indexOf(keys)
	if index == nil {
		return slices.DeleteFunc(slices.Clone(keys), func(key K) bool { return !strings.EqualFold(key.Alias(), alias) })
	}
	at, there := index.byAlias[alias]
	if !there {
		at = index.byAlias[format.FoldAlias(alias)]
	}
	if len(at) == 1 {
		return keys[at[0] : at[0]+1 : at[0]+1]
	}
	named := make([]K, len(at))
	for i, position := range at {
		named[i] = keys[position]
	}
	return named
}

// An aliasIndex finds keys of one slice by alias. The keys of the slice carry
// it.
type aliasIndex struct {
	first   any // a pointer to the first key, which identifies the slice
	keys    int
	byAlias map[string][]int // positions, by alias as stored, and in one case
}

// indexOf returns the index of the slice, nil if it has none.
func indexOf[K any](keys []K) *aliasIndex {
	if len(keys) == 0 {
		return nil
	}
	place := indexPlace(&keys[0])
	if place == nil || *place == nil || (*place).first != any(&keys[0]) || (*place).keys != len(keys) {
		return nil
	}
	return *place
}

// indexPlace returns where the key carries an index, nil for a public key.
func indexPlace[K any](key *K) **aliasIndex {
	switch key := any(key).(type) {
	case *PrivateKey:
		return &key.index
	case *SecretKey:
		return &key.index
	}
	return nil
}

// indexed returns private or secret keys with an index.
func indexed[K interface{ Alias() string }](keys []K) []K {
	if len(keys) == 0 {
		return nil
	}
	keys = slices.Clip(keys)
	index := &aliasIndex{first: &keys[0], keys: len(keys), byAlias: make(map[string][]int, 2*len(keys))}
	for i := range keys {
		*indexPlace(&keys[i]) = index
		folded := format.FoldAlias(keys[i].Alias())
		index.byAlias[folded] = append(index.byAlias[folded], i)
	}
	for i := range keys {
		alias := keys[i].Alias()
		index.byAlias[alias] = index.byAlias[format.FoldAlias(alias)]
	}
	return keys
}
