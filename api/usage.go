package api

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// usualDays is how many days are summed up when nobody says, today included; maxDays as many as are kept.
	usualDays = 30
	maxDays   = 400

	gigabyte = 1e9 // as they are sold
)

// Price is what a gigabyte (10⁹ bytes) costs that goes through the relay.
type Price struct {
	// PerGB is 0 where nobody has said.
	PerGB float64 `json:"per_gb"`
	// Currency is for people.
	Currency string `json:"currency"`
}

// PathUsage sums up how media went.
type PathUsage struct {
	Device     protocol.DeviceID `json:"device,omitempty"`
	Day        string            `json:"day,omitempty" format:"date"`
	Sessions   SessionCounts     `json:"sessions"`
	DirectRate *float64          `json:"direct_rate,omitempty" doc:"Direct sessions of all that had a path, 0 to 1; absent if there were none"`
	Means      []MeansUsage      `json:"means" nullable:"false"`
	Relayed    Amount            `json:"relayed" doc:"What went through the relay: time by the ends, bytes by the relay's own count of both directions, for whatever it was used"`
	Saved      Savings           `json:"saved"`
}

// SessionCounts are sessions by the path that they had last, on the day of their first path.
type SessionCounts struct {
	Direct int64 `json:"direct"`
	Relay  int64 `json:"relay"`
	None   int64 `json:"none" doc:"Ended without ever having had a path, for whatever reason"`
}

// MeansUsage is the part of a usage that went by one means.
type MeansUsage struct {
	Means    protocol.Means `json:"means" doc:"ice, predicted, mapped, ipv6, tcp, relay or other; there may be more one day"`
	Sessions int64          `json:"sessions"`
	Minutes  float64        `json:"minutes"`
	Bytes    uint64         `json:"bytes" doc:"Media as the ends count it"`
}

// Amount is what went through a relay, or would have.
type Amount struct {
	Minutes float64  `json:"minutes"`
	Bytes   uint64   `json:"bytes"`
	Money   *float64 `json:"money,omitempty" doc:"At the price; absent without one"`
}

// Savings are what did not go through the relay.
type Savings struct {
	AllRelayed Amount `json:"against_all_relayed" doc:"All that went directly"`
	PlainICE   Amount `json:"against_plain_ice" doc:"What went directly and would not have with plain ICE: by a mapped or predicted port, over TCP, or after an upgrade from the relay"`
}

type (
	usageInput struct {
		Device protocol.DeviceID `query:"device" maxLength:"64" doc:"Only of this device"`
		From   string            `query:"from" format:"date" doc:"The first day, UTC; 29 days before to if absent"`
		To     string            `query:"to" format:"date" doc:"The last day, UTC; today if absent"`
		Group  record.PathGroup  `query:"group" enum:"none,day,device" default:"none" doc:"One sum, or one for each day or device that has any"`
		Page
	}
	usageOutput struct {
		Body struct {
			From       string      `json:"from" format:"date"`
			To         string      `json:"to" format:"date"`
			Price      *Price      `json:"price,omitempty" doc:"What money is reckoned with; absent where the server has none"`
			Usage      []PathUsage `json:"usage" nullable:"false"`
			NextCursor string      `json:"next_cursor,omitempty" doc:"Of devices there may be more"`
		}
	}
)

func (a *API) addUsage() {
	add(a, huma.Operation{
		OperationID: "get-path-usage", Method: http.MethodGet, Path: "/v1/usage/paths", Tags: []string{"usage"},
		Summary: "Sum up how the media of sessions went, and what that saved",
		Description: "By days in UTC, for 400 days, also of sessions that are no longer listed. limit and cursor are for group=device. " +
			"Sessions that are open are counted up to some 30 s ago.",
	}, a.getPathUsage)
}

func (a *API) getPathUsage(ctx context.Context, in *usageInput) (*usageOutput, error) {
	from, to, err := daysOf(in.From, in.To, a.config.Now())
	if err != nil {
		return nil, err
	}
	filter := record.PathFilter{Device: in.Device, From: record.DayOf(from), To: record.DayOf(to), Group: in.Group}
	list, next, err := a.config.Usage.PathUsage(ctx, keyOf(ctx).Project, filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &usageOutput{}
	out.Body.From, out.Body.To, out.Body.NextCursor = filter.From, filter.To, next
	if a.config.Price.PerGB > 0 {
		price := a.config.Price
		out.Body.Price = &price
	}
	out.Body.Usage = a.sumUp(list)
	if in.Group == record.GroupNone && len(out.Body.Usage) == 0 {
		out.Body.Usage = []PathUsage{{Means: []MeansUsage{}}}
		a.price(&out.Body.Usage[0])
	}
	return out, nil
}

// daysOf reads a range of days and fills in what is usual.
func daysOf(first, last string, now time.Time) (from, to time.Time, err error) {
	to = now.UTC().Truncate(24 * time.Hour)
	if last != "" {
		if to, err = time.Parse(time.DateOnly, last); err != nil {
			return from, to, protocol.Errorf(protocol.CodeInvalid, "to: %q is no day such as 2026-03-01", last)
		}
	}
	from = to.AddDate(0, 0, 1-usualDays)
	if first != "" {
		if from, err = time.Parse(time.DateOnly, first); err != nil {
			return from, to, protocol.Errorf(protocol.CodeInvalid, "from: %q is no day such as 2026-03-01", first)
		}
	}
	if from.After(to) || to.Sub(from) >= maxDays*24*time.Hour {
		return from, to, protocol.Errorf(protocol.CodeInvalid, "from is not after to, and no more than %d days are summed up", maxDays)
	}
	return from, to, nil
}

// sumUp makes one usage of the rows of each device and day, which are neighbours.
func (a *API) sumUp(rows []record.PathUsage) []PathUsage {
	list := []PathUsage{}
	for i, row := range rows {
		if i == 0 || row.Device != rows[i-1].Device || row.Day != rows[i-1].Day {
			list = append(list, PathUsage{Device: row.Device, Day: row.Day, Means: []MeansUsage{}})
		}
		list[len(list)-1].add(row)
	}
	for i := range list {
		a.price(&list[i])
	}
	return list
}

// add takes in what went by one means.
func (u *PathUsage) add(row record.PathUsage) {
	u.Relayed.Bytes += row.RelayBytes
	switch row.Means {
	case "":
		u.Sessions.None += row.Sessions
		return
	case protocol.MeansRelay:
		u.Sessions.Relay += row.Sessions
		u.Relayed.Minutes = minutes(row.Time)
	default:
		u.Sessions.Direct += row.Sessions
		u.Saved.AllRelayed.Minutes += row.Time.Minutes()
		u.Saved.AllRelayed.Bytes += row.Bytes
		u.Saved.PlainICE.Minutes += row.BeyondTime.Minutes()
		u.Saved.PlainICE.Bytes += row.BeyondBytes
	}
	if row.Sessions != 0 || row.Time != 0 || row.Bytes != 0 {
		u.Means = append(u.Means, MeansUsage{Means: row.Means, Sessions: row.Sessions, Minutes: minutes(row.Time), Bytes: row.Bytes})
	}
}

// price fills in what depends on the sums.
func (a *API) price(u *PathUsage) {
	if all := u.Sessions.Direct + u.Sessions.Relay; all > 0 {
		rate := rounded(float64(u.Sessions.Direct) / float64(all))
		u.DirectRate = &rate
	}
	for _, amount := range []*Amount{&u.Relayed, &u.Saved.AllRelayed, &u.Saved.PlainICE} {
		amount.Minutes = rounded(amount.Minutes)
		if a.config.Price.PerGB > 0 {
			money := rounded(float64(amount.Bytes) / gigabyte * a.config.Price.PerGB)
			amount.Money = &money
		}
	}
}

func minutes(t time.Duration) float64 { return rounded(t.Minutes()) }

// rounded leaves four digits: of a minute, a rate or an amount of money.
func rounded(f float64) float64 { return math.Round(f*1e4) / 1e4 }
