package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func wanted(name string) record.Claim {
	return record.Claim{Project: protocol.DefaultProject, Name: name, Request: []byte("request")}
}

// under makes what is done with the context part of a claim's request.
func under(t *testing.T, c *record.Claim) context.Context {
	t.Helper()
	return record.WithClaim(t.Context(), c)
}

func TestAnswerOfAClaimIsKeptForADay(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, clock := newStore(t, at)
		first := must(s.Claim(t.Context(), wanted("a")))(t)
		if first.Done || first.Run == "" || len(first.Salt) != claimSaltBytes {
			t.Fatalf("got %+v, want a new claim", first)
		}
		if err := s.FinishClaim(t.Context(), first, []byte("answer")); err != nil {
			t.Fatal(err)
		}
		again := must(s.Claim(t.Context(), wanted("a")))(t)
		if !again.Done || string(again.Answer) != "answer" || !cmp.Equal(again.Salt, first.Salt) {
			t.Errorf("got %+v, want the answer", again)
		}
		other := wanted("a")
		other.Request = []byte("another")
		_, err := s.Claim(t.Context(), other)
		wantCode(t, err, protocol.CodeIdempotencyMismatch)
		clock.pass(record.ClaimLife)
		if late := must(s.Claim(t.Context(), other))(t); late.Done || cmp.Equal(late.Salt, first.Salt) {
			t.Errorf("after a day: got %+v, want a new claim", late)
		}
	})
}

func TestOneOfManyParallelClaimsIsGiven(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		var all sync.WaitGroup
		var mu sync.Mutex
		given := 0
		for range 20 {
			all.Go(func() {
				c, err := s.Claim(t.Context(), wanted("a"))
				mu.Lock()
				defer mu.Unlock()
				switch busy := (*protocol.Error)(nil); {
				case err == nil && !c.Done:
					given++
				case !errors.As(err, &busy) || busy.Code != protocol.CodeConflict || busy.RetryMS != record.ClaimLease.Milliseconds():
					t.Errorf("got %v, want to be told to come again", err)
				}
			})
		}
		all.Wait()
		if given != 1 {
			t.Errorf("%d claims were given, want 1", given)
		}
	})
}

func TestClaimThatWroteIsNotGivenAgainUnlessItsRequestIsRepeatable(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, clock := newStore(t, at)
		quiet, loud := must(s.Claim(t.Context(), wanted("quiet")))(t), must(s.Claim(t.Context(), wanted("loud")))(t)
		must(s.CreateProject(under(t, loud), "made", ""))(t)
		clock.pass(record.ClaimLease) // the process is long dead
		must(s.Claim(t.Context(), wanted("quiet")))(t)
		_, err := s.Claim(t.Context(), wanted("loud"))
		wantCode(t, err, protocol.CodeAnswerLost)
		repeated := wanted("loud")
		repeated.Repeatable = true
		if c := must(s.Claim(t.Context(), repeated))(t); !cmp.Equal(c.Salt, loud.Salt) || c.Run == loud.Run {
			t.Errorf("got %+v, want another run of the same claim", c)
		}

		// One that was thought dead comes back, too late.
		_, err = s.CreateProject(under(t, quiet), "late", "")
		wantCode(t, err, protocol.CodeConflict)
		_, err = s.Project(t.Context(), "late")
		wantCode(t, err, protocol.CodeNotFound)
		if err := s.FinishClaim(t.Context(), quiet, []byte("late")); err != nil {
			t.Fatal(err)
		}
		_, err = s.Claim(t.Context(), wanted("quiet"))
		wantCode(t, err, protocol.CodeConflict)
	})
}

func TestClaimIsReleasedWhenNothingWasWritten(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		c := must(s.Claim(t.Context(), wanted("a")))(t)
		_, err := s.CreateProject(under(t, c), protocol.DefaultProject, "") // there is one
		wantCode(t, err, protocol.CodeConflict)
		if released := must(s.ReleaseClaim(t.Context(), c))(t); !released {
			t.Error("a claim that wrote nothing is not released")
		}
		c = must(s.Claim(t.Context(), wanted("a")))(t)
		must(s.CreateProject(under(t, c), "made", ""))(t)
		if released := must(s.ReleaseClaim(t.Context(), c))(t); released {
			t.Error("a claim that wrote something is released")
		}
	})
}

func TestClaimsAreOfTheirProject(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		must(s.CreateProject(t.Context(), "other", ""))(t)
		must(s.Claim(t.Context(), wanted("a")))(t)
		theirs := wanted("a")
		theirs.Project, theirs.Request = "other", []byte("another")
		if c := must(s.Claim(t.Context(), theirs))(t); c.Done {
			t.Errorf("got %+v of another project", c)
		}
	})
}

func TestOldAndTooManyClaimsGo(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, clock := newStore(t, at)
		must(s.CreateProject(t.Context(), "other", ""))(t)
		must(s.Claim(t.Context(), wanted("old")))(t)
		clock.pass(record.ClaimLife)
		theirs := wanted("theirs")
		theirs.Project = "other"
		must(s.Claim(t.Context(), theirs))(t)
		for i := range 13 {
			must(s.Claim(t.Context(), wanted(fmt.Sprint(i))))(t)
			clock.pass(time.Second)
		}
		if err := s.write(t.Context(), func(tx *tx) error { return pruneClaims(t.Context(), tx, clock.now(), 10) }); err != nil {
			t.Fatal(err)
		}
		for name, gone := range map[string]bool{"old": true, "0": true, "2": true, "3": false, "12": false} {
			other := wanted(name)
			other.Request = []byte("another")
			if _, err := s.Claim(t.Context(), other); (err == nil) != gone {
				t.Errorf("claim %s: got %v, gone %t", name, err, gone)
			}
		}
		theirs.Request = []byte("another")
		_, err := s.Claim(t.Context(), theirs)
		wantCode(t, err, protocol.CodeIdempotencyMismatch)
	})
}

// A process writes and dies before it answers. Whoever asks again gets what was made, and nothing is made twice.
func TestRepeatableRequestFindsWhatItHasMade(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, clock := newStore(t, at)
		old, _, err := s.CreateKey(t.Context(), record.Key{Project: protocol.DefaultProject, Name: "old"})
		if err != nil {
			t.Fatal(err)
		}
		for name, perform := range map[string]func(ctx context.Context) (id, secret string, err error){
			"key": func(ctx context.Context) (string, string, error) {
				k, plain, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Name: "new"})
				return string(k.ID), plain.Reveal(), err
			},
			"rotation": func(ctx context.Context) (string, string, error) {
				k, plain, err := s.RotateKey(ctx, old, old.ID, time.Hour)
				return string(k.ID), plain.Reveal(), err
			},
			"enrolment": func(ctx context.Context) (string, string, error) {
				e, code, err := s.CreateEnrolment(ctx, record.Enrolment{Project: protocol.DefaultProject}, 0)
				return e.ID, code.Reveal(), err
			},
		} {
			t.Run(name, func(t *testing.T) {
				claimed := func(name string) *record.Claim {
					c := wanted(name)
					c.Repeatable = true
					given := must(s.Claim(t.Context(), c))(t)
					given.Secret = []byte("secret")
					return given
				}
				first, secret, err := perform(under(t, claimed(name)))
				if err != nil {
					t.Fatal(err)
				}
				clock.pass(record.ClaimLease)
				again, same, err := perform(under(t, claimed(name)))
				if err != nil || again != first || same != secret {
					t.Errorf("got %s, %v; want %s as it was", again, err, first)
				}
				if name == "rotation" {
					return
				}
				if other, secretToo, err := perform(under(t, claimed(name+" 2"))); err != nil || other == first || secretToo == secret {
					t.Errorf("another request made the same: %s, %v", other, err)
				}
			})
		}
		keys, _, err := s.Keys(t.Context(), protocol.DefaultProject, "", 0)
		if err != nil || len(keys) != 4 {
			t.Errorf("got %d keys, %v; want the old one, its successor and two", len(keys), err)
		}
		enrolments, _, err := s.Enrolments(t.Context(), protocol.DefaultProject, "", 0)
		if err != nil || len(enrolments) != 2 {
			t.Errorf("got %d enrolments, %v; want 2", len(enrolments), err)
		}
	})
}
