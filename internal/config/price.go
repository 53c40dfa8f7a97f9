package config

import (
	"errors"
	"fmt"
	"unicode"

	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxPrice is more than anybody asks for a gigabyte, in whatever currency.
	maxPrice = 1_000_000
	// maxCurrency leaves room for a word.
	maxCurrency = 16
	// maxPoints is more than a megabyte or a minute costs, and leaves a millionth of a point a meaning.
	maxPoints = 1_000_000
)

// Tariff is what points are counted by. Where both prices are 0 it is record.DefaultTariff.
func (s *Serve) Tariff() record.Tariff {
	return record.Tariff{PerMB: record.PointsOf(s.PointsPerMB), PerMinute: record.PointsOf(s.PointsPerMin)}
}

// checkTariff looks at what points are counted by.
func (s *Serve) checkTariff() error {
	for _, price := range []struct {
		flag   string
		points float64
	}{{"--points-per-mb", s.PointsPerMB}, {"--points-per-minute", s.PointsPerMin}} {
		if !(price.points >= 0 && price.points <= maxPoints) { // NaN is neither
			return fmt.Errorf("%s: %v is not between 0 and %d", price.flag, price.points, maxPoints)
		}
	}
	return checkKbps("--low-budget-kbps", s.LowBudgetKbps)
}

// checkPrice looks at what a gigabyte through the relay costs.
func (s *Serve) checkPrice() error {
	if s.RelayPrice < 0 || !(s.RelayPrice <= maxPrice) { // NaN is neither
		return fmt.Errorf("--relay-price-per-gb: %v is not between 0 and %d", s.RelayPrice, maxPrice)
	}
	if s.RelayPrice > 0 && s.RelayCurrency == "" {
		return errors.New("--relay-currency: a price has a currency")
	}
	if len(s.RelayCurrency) > maxCurrency {
		return fmt.Errorf("--relay-currency: more than %d bytes", maxCurrency)
	}
	for _, r := range s.RelayCurrency {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("--relay-currency: %q cannot be printed", s.RelayCurrency)
		}
	}
	return nil
}
