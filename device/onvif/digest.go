package onvif

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/url"
	"regexp"
	"strings"
)

// answerChallenge returns the Authorization header for the best of a server's challenges: Digest with SHA-256, Digest with
// MD5, Basic; empty if none is understood (RFC 7616 section 3.4, RFC 7617).
func answerChallenge(challenges []string, user *url.Userinfo, method, uri string) string {
	best, rank := "", 0
	for _, c := range challenges {
		scheme, rest, _ := strings.Cut(c, " ")
		switch parameters := parseParameters(rest); strings.ToLower(scheme) {
		case "digest":
			answer, strength := digest(parameters, user, method, uri)
			if strength > rank {
				best, rank = answer, strength
			}
		case "basic":
			if rank == 0 {
				password, _ := user.Password()
				best, rank = "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)), 1
			}
		}
	}
	return best
}

var parameter = regexp.MustCompile(`([A-Za-z0-9-]+)\s*=\s*(?:"([^"]*)"|([^\s,]*))`)

func parseParameters(s string) map[string]string {
	out := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(s, -1) {
		out[strings.ToLower(m[1])] = m[2] + m[3]
	}
	return out
}

// digest answers a challenge; a strength of 0 means that it is not understood.
func digest(c map[string]string, user *url.Userinfo, method, uri string) (header string, strength int) {
	var algorithm func() hash.Hash
	switch strings.ToUpper(c["algorithm"]) {
	case "", "MD5":
		algorithm, strength = md5.New, 2
	case "SHA-256":
		algorithm, strength = sha256.New, 3
	default:
		return "", 0
	}
	sum := func(parts ...string) string {
		h := algorithm()
		h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	password, _ := user.Password()
	secret, request := sum(user.Username(), c["realm"], password), sum(method, uri)
	said := []string{
		quoted("username", user.Username()), quoted("realm", c["realm"]), quoted("nonce", c["nonce"]), quoted("uri", uri),
	}
	if c["qop"] == "" {
		said = append(said, quoted("response", sum(secret, c["nonce"], request)))
	} else {
		own := rand.Text()
		said = append(said, "qop=auth", "nc=00000001", quoted("cnonce", own),
			quoted("response", sum(secret, c["nonce"], "00000001", own, "auth", request)))
	}
	if c["algorithm"] != "" {
		said = append(said, "algorithm="+c["algorithm"])
	}
	if c["opaque"] != "" {
		said = append(said, quoted("opaque", c["opaque"]))
	}
	return "Digest " + strings.Join(said, ", "), strength
}

// quoted is a parameter whose value is a quoted string (RFC 9110 section 5.6.4).
func quoted(name, value string) string {
	return name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}
