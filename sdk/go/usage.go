package sightline

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// UsageFilter chooses how media went: of one device or all, of the days From to To (UTC), both included, 30 days until
// today where they are zero, summed up over everything (none), each day or each device.
type UsageFilter struct {
	Device   protocol.DeviceID
	From, To time.Time
	Group    string
}

// PathUsage returns how media went: sessions, minutes and bytes by means, what the relay carried and what that costs. The
// whole list is fetched.
func (c *Client) PathUsage(ctx context.Context, filter UsageFilter) (UsageOutput, error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for name, value := range map[string]string{"device": string(filter.Device), "from": day(filter.From), "to": day(filter.To), "group": filter.Group} {
		if value != "" {
			query.Set(name, value)
		}
	}
	whole, err := get[UsageOutput](ctx, c, "/v1/usage/paths", query)
	for next := whole.NextCursor; err == nil && next != ""; {
		query.Set("cursor", next)
		var more UsageOutput
		more, err = get[UsageOutput](ctx, c, "/v1/usage/paths", query)
		whole.Usage, next = append(whole.Usage, more.Usage...), more.NextCursor
	}
	whole.NextCursor = ""
	return whole, err
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
