package auth

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// partnerRing has a key of the server and one of the project acme, with which sign signs.
func partnerRing(t testing.TB) (ring *Keyring, key record.PartnerKey, private ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key = record.PartnerKey{ID: "sl_sk_acme", Project: "acme", Public: public, Created: testTime}
	ring = NewKeyring([]record.SigningKey{newSigningKey(t, "a", testTime)})
	ring.ReplacePartners([]record.PartnerKey{key})
	return ring, key, private
}

func partnerClaims(change map[string]any) map[string]any {
	claims := viewerClaimsMap()
	delete(claims, "key")
	claims["iat"] = testTime.Unix()
	for name, value := range change {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func partnerHeader(change map[string]any) map[string]any {
	header := map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": "sl_sk_acme"}
	maps.Copy(header, change)
	return header
}

func signed(t testing.TB, private ed25519.PrivateKey, header, claims map[string]any) string {
	t.Helper()
	return forge(t, header, claims, func(text string) []byte { return ed25519.Sign(private, []byte(text)) })
}

func TestATokenThatAPartnerSignsIsOfHisKey(t *testing.T) {
	ring, key, private := partnerRing(t)
	got, err := ring.Verify(signed(t, private, partnerHeader(nil), partnerClaims(map[string]any{"max_kbps": 500})), testTime)
	want := Viewer{
		Project: "acme", Subject: "anna", Key: key.ID, Device: "cam", Rights: []protocol.Right{protocol.RightView},
		Expires: testTime.Add(time.Hour), ID: "t1", Terms: record.Terms{MaxKbps: 500},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("got error %v and differences:\n%s", err, diff)
	}
}

func TestTokensOfPartnersAreReadStrictly(t *testing.T) {
	ring, key, private := partnerRing(t)
	at := func(d time.Duration) int64 { return testTime.Add(d).Unix() }
	for name, test := range map[string]struct {
		header, claims map[string]any
		want           protocol.Code
	}{
		"of another project":         {nil, map[string]any{"prj": "other", "iss": "other"}, protocol.CodeBadToken},
		"issued by another":          {nil, map[string]any{"iss": "other"}, protocol.CodeBadToken},
		"for another audience":       {nil, map[string]any{"aud": "elsewhere"}, protocol.CodeBadToken},
		"in the name of an API key":  {nil, map[string]any{"key": "k1"}, protocol.CodeBadToken},
		"without iat":                {nil, map[string]any{"iat": nil}, protocol.CodeBadToken},
		"without exp":                {nil, map[string]any{"exp": nil}, protocol.CodeBadToken},
		"over a day":                 {nil, map[string]any{"exp": at(24*time.Hour + time.Second)}, protocol.CodeBadToken},
		"a day from an hour ahead":   {nil, map[string]any{"iat": at(time.Hour), "exp": at(25 * time.Hour)}, protocol.CodeBadToken},
		"made in the future":         {nil, map[string]any{"iat": at(2 * time.Minute)}, protocol.CodeBadToken},
		"ends before it was made":    {nil, map[string]any{"iat": at(30 * time.Second), "exp": at(20 * time.Second)}, protocol.CodeBadToken},
		"not good yet":               {nil, map[string]any{"nbf": at(2 * time.Minute)}, protocol.CodeBadToken},
		"expired":                    {nil, map[string]any{"iat": at(-2 * time.Hour), "exp": at(-time.Hour)}, protocol.CodeExpired},
		"without a token id":         {nil, map[string]any{"jti": nil}, protocol.CodeBadToken},
		"a subject beyond bounds":    {nil, map[string]any{"sub": strings.Repeat("x", protocol.MaxNameBytes+1)}, protocol.CodeBadToken},
		"an unknown right":           {nil, map[string]any{"grants": []string{"fly"}}, protocol.CodeBadToken},
		"no right":                   {nil, map[string]any{"grants": []string{}}, protocol.CodeBadToken},
		"terms that cannot be":       {nil, map[string]any{"path": "anyhow"}, protocol.CodeBadToken},
		"another algorithm":          {map[string]any{"alg": "HS256"}, nil, protocol.CodeBadToken},
		"no algorithm":               {map[string]any{"alg": "none"}, nil, protocol.CodeBadToken},
		"a key that nobody knows":    {map[string]any{"kid": "sl_sk_none"}, nil, protocol.CodeBadToken},
		"the server's own key":       {map[string]any{"kid": "a"}, nil, protocol.CodeBadToken},
		"a key in the header":        {map[string]any{"kid": nil, "jwk": map[string]any{"kty": "OKP"}}, nil, protocol.CodeBadToken},
		"a header that is binding":   {map[string]any{"crit": []string{"exp"}, "exp": 1}, nil, protocol.CodeBadToken},
		"an hour, a minute too late": {nil, map[string]any{"exp": at(-time.Minute), "iat": at(-time.Hour)}, protocol.CodeExpired},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ring.Verify(signed(t, private, partnerHeader(test.header), partnerClaims(test.claims)), testTime)
			wantCode(t, err, test.want)
		})
	}
	token := signed(t, private, partnerHeader(nil), partnerClaims(map[string]any{"iat": at(30 * time.Second)}))
	if _, err := ring.Verify(token, testTime); err != nil {
		t.Errorf("a clock that is half a minute ahead: %v", err)
	}
	if _, err := ring.Verify(token, time.Time{}); err != nil {
		t.Errorf("without regard to time: %v", err)
	}
	key.Revoked = testTime
	ring.ReplacePartners([]record.PartnerKey{key})
	_, err := ring.Verify(token, testTime)
	wantCode(t, err, protocol.CodeRevoked)
	_, err = ring.Verify(token, time.Time{})
	wantCode(t, err, protocol.CodeRevoked)
	ring.ReplacePartners(nil)
	_, err = ring.Verify(token, testTime)
	wantCode(t, err, protocol.CodeBadToken)
}

func TestPublicKeysAreReadInTheirThreeForms(t *testing.T) {
	_, key, private := partnerRing(t)
	der, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	raw := base64.RawURLEncoding.EncodeToString(key.Public)
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for name, text := range map[string]string{
		"base64":           base64.StdEncoding.EncodeToString(key.Public),
		"base64, for URLs": raw,
		"PEM":              block,
		"a JWK":            `{"kty":"OKP","crv":"Ed25519","kid":"x","x":"` + raw + `"}`,
	} {
		if got, err := ParsePublicKey(text); err != nil || !got.Equal(key.Public) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"empty":              "",
		"too short":          raw[:20],
		"a private key":      string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		"a private JWK":      `{"kty":"OKP","crv":"Ed25519","x":"` + raw + `","d":"` + raw + `"}`,
		"another curve":      `{"kty":"OKP","crv":"X25519","x":"` + raw + `"}`,
		"two blocks":         block + block,
		"a PEM of no key":    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
		"more than any form": strings.Repeat("A", 5000),
	} {
		_, err := ParsePublicKey(text)
		if wantCode(t, err, protocol.CodeInvalid); strings.Contains(err.Error(), raw) {
			t.Errorf("%s: the error repeats the key", name)
		}
	}
}

// With a point of small order as public key anybody can sign. These are some of those there are, in both of their forms.
func TestPublicKeysWithWhichAnybodyCouldSignAreRefused(t *testing.T) {
	for _, text := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000", // order 1
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
		"0000000000000000000000000000000000000000000000000000000000000000", // order 4
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	} {
		point, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, CheckPublicKey(point), protocol.CodeInvalid)
	}
}

// FuzzPartnerClaims gives headers and claims of any form the signature of a partner: only what is his and makes sense passes.
func FuzzPartnerClaims(f *testing.F) {
	ring, key, private := partnerRing(f)
	for _, change := range []map[string]any{nil, {"exp": 1e300}, {"iat": -1}, {"prj": nil}, {"aud": []string{"sightline", "x"}}, {"key": "k"}} {
		claims, err := json.Marshal(partnerClaims(change))
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"alg":"EdDSA","kid":"sl_sk_acme"}`), claims)
	}
	f.Add([]byte(`{"alg":"EdDSA","kid":"a"}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, header, claims []byte) {
		text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
		signature, err := jwt.SigningMethodEdDSA.Sign(text, private)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ring.Verify(text+"."+base64.RawURLEncoding.EncodeToString(signature), testTime)
		switch {
		case err != nil:
		case v.Project != key.Project || v.Key != key.ID || !v.Device.Valid() || len(v.Rights) == 0:
			t.Errorf("accepted %+v", v)
		case !v.Expires.After(testTime) || v.Expires.After(testTime.Add(MaxViewerLife+clockSkew)):
			t.Errorf("accepted a token that ends at %s", v.Expires)
		}
	})
}

// FuzzParsePublicKey asks that whatever is taken can be written and read again.
func FuzzParsePublicKey(f *testing.F) {
	_, key, _ := partnerRing(f)
	raw := base64.RawURLEncoding.EncodeToString(key.Public)
	f.Add(raw)
	f.Add(`{"kty":"OKP","crv":"Ed25519","x":"` + raw + `"}`)
	f.Add("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		public, err := ParsePublicKey(text)
		if err != nil {
			return
		}
		if again, err := ParsePublicKey(base64.StdEncoding.EncodeToString(public)); err != nil || !again.Equal(public) {
			t.Errorf("got %x of %q, then %x, %v", public, text, again, err)
		}
	})
}
