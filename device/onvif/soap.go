package onvif

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The namespaces of the services.
const (
	deviceNS = "http://www.onvif.org/ver10/device/wsdl"
	mediaNS  = "http://www.onvif.org/ver10/media/wsdl"
	ptzNS    = "http://www.onvif.org/ver20/ptz/wsdl"
	schemaNS = "http://www.onvif.org/ver10/schema"
)

// envelope is an answer: the body, or a fault (SOAP 1.2 section 5.4).
type envelope struct {
	Body struct {
		Fault *struct {
			Code struct {
				Value   string `xml:"Value"`
				Subcode struct {
					Value string `xml:"Value"`
				} `xml:"Subcode"`
			} `xml:"Code"`
			Reason string `xml:"Reason>Text"`
		} `xml:"Fault"`
		Inner []byte `xml:",innerxml"`
	} `xml:"Body"`
}

// maxReason bounds what a camera says and people read.
const maxReason = 120

// call sends a request to a service and decodes the answer's body into out, which may be nil. It fails with ErrRefused.
func (c *Client) call(ctx context.Context, to *url.URL, security, request string, out any) error {
	message := `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">` +
		`<s:Header>` + security + `</s:Header><s:Body>` + request + `</s:Body></s:Envelope>`
	status, answer, err := c.web.do(ctx, http.MethodPost, to, "application/soap+xml; charset=utf-8", []byte(message))
	if err != nil {
		return err
	}
	return decode(status, answer, out)
}

// decode reads an answer's body into out.
func decode(status int, answer []byte, out any) error {
	var e envelope
	if err := xml.Unmarshal(answer, &e); err != nil {
		return fmt.Errorf("the camera answers %d and no SOAP", status)
	}
	if f := e.Body.Fault; f != nil {
		if strings.HasSuffix(f.Code.Subcode.Value, "NotAuthorized") || strings.HasSuffix(f.Code.Subcode.Value, "FailedAuthentication") {
			return ErrRefused
		}
		return fmt.Errorf("the camera refuses: %q", f.Reason[:min(len(f.Reason), maxReason)])
	}
	if status != http.StatusOK {
		return fmt.Errorf("the camera answers %d", status)
	}
	if out == nil {
		return nil
	}
	if err := xml.Unmarshal(e.Body.Inner, out); err != nil {
		return fmt.Errorf("the camera's answer is of another form: %w", err)
	}
	return nil
}

// security is the header that says who asks: a UsernameToken with a digest (WS-Security UsernameToken Profile 1.1 section 3.1), which holds
// by the camera's clock.
func security(user *url.Userinfo, now time.Time) string {
	if user == nil {
		return ""
	}
	password, _ := user.Password()
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // it never fails
	created := now.UTC().Format("2006-01-02T15:04:05.000Z")
	h := sha1.New()
	h.Write(nonce)
	h.Write([]byte(created + password))
	const ns = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	return `<o:Security xmlns:o="` + ns + `wssecurity-secext-1.0.xsd" xmlns:u="` + ns + `wssecurity-utility-1.0.xsd"><o:UsernameToken>` +
		`<o:Username>` + escape(user.Username()) + `</o:Username>` +
		`<o:Password Type="` + strings.TrimSuffix(ns, "wss-") + `wss-username-token-profile-1.0#PasswordDigest">` +
		base64.StdEncoding.EncodeToString(h.Sum(nil)) + `</o:Password>` +
		`<o:Nonce EncodingType="` + ns + `soap-message-security-1.0#Base64Binary">` + base64.StdEncoding.EncodeToString(nonce) + `</o:Nonce>` +
		`<u:Created>` + created + `</u:Created></o:UsernameToken></o:Security>`
}

// escape makes text that stands in XML.
func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
