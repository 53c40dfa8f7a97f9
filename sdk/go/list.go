package sightline

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// pageSize is how many resources a list fetches at once: the most that the server gives.
const pageSize = 100

// list goes through a whole list, page by page, as far as its caller does. An error is its last element. field is the
// name that the list has in its pages.
func list[T any](ctx context.Context, c *Client, path, field string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		asked := url.Values{}
		for name, values := range query {
			asked[name] = values
		}
		asked.Set("limit", strconv.Itoa(pageSize))
		for {
			items, next, err := page[T](ctx, c, path, field, asked)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			asked.Set("cursor", next)
		}
	}
}

func page[T any](ctx context.Context, c *Client, path, field string, query url.Values) (items []T, next string, err error) {
	got, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return nil, "", err
	}
	var whole map[string]json.RawMessage
	if err := got.into(&whole); err != nil {
		return nil, "", err
	}
	if err := (answer{body: whole[field]}).into(&items); err != nil {
		return nil, "", fmt.Errorf("list %s: %w", field, err)
	}
	if text, ok := whole["next_cursor"]; ok {
		err = answer{body: text}.into(&next)
	}
	return items, next, err
}
