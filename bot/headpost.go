package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"twokey/audit"
)

// headPost sends the heads of the audit record to web addresses, whose keepers
// can prove later that it was not cut short. It holds nothing up: what an
// address does not take is sent again.
type headPost struct {
	head  func(context.Context) (audit.Head, bool)
	to    []string
	every time.Duration // 0: a minute
	log   *slog.Logger
}

// headAddresses are the web addresses among the places where heads are to go.
func headAddresses(to []string) (all []string) {
	for _, place := range to {
		if strings.HasPrefix(place, "https:") {
			all = append(all, place)
		}
	}
	return all
}

// Run sends each head once to each address, until ctx ends.
func (p headPost) Run(ctx context.Context) error {
	if len(p.to) == 0 {
		return nil
	}
	if p.every == 0 {
		p.every = time.Minute
	}
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	taken := map[string]int64{}
	for {
		h, ok := p.head(ctx)
		for i, to := range p.to {
			if !ok || taken[to] == h.Number {
				continue
			}
			if err := p.send(ctx, to, h); err != nil {
				if ctx.Err() == nil {
					p.log.WarnContext(ctx, "the head of the audit record was not taken", "address", i+1, "error", err)
				}
				continue
			}
			taken[to] = h.Number
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// send posts a head as a line of a file of heads would hold it. No error names
// the address, which may have a key in it.
func (p headPost) send(ctx context.Context, to string, h audit.Head) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(line))
	if err != nil {
		return errors.New("this is no address") // the cause quotes it
	}
	q.Header.Set("Content-Type", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(q)
	if err != nil {
		if cause, ok := errors.AsType[*url.Error](err); ok {
			err = cause.Err
		}
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the answer was %s", answer.Status)
	}
	return nil
}
