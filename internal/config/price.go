package config

import (
	"errors"
	"fmt"
	"unicode"
)

const (
	// maxPrice is more than anybody asks for a gigabyte, in whatever currency.
	maxPrice = 1_000_000
	// maxCurrency leaves room for a word.
	maxCurrency = 16
)

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
