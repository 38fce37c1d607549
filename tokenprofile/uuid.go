package tokenprofile

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// appendUUID appends a UUIDv7 (RFC 9562 section 5.7): its first 48 bits are
// milliseconds, which keeps the index of a replay store in order, 74 bits are
// random.
func appendUUID(dst []byte, now time.Time) []byte {
	var id [16]byte
	rand.Read(id[6:])
	milliseconds := uint64(now.UnixMilli())
	binary.BigEndian.PutUint16(id[:], uint16(milliseconds>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(milliseconds))
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
