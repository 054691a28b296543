package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthcheckCommand lets a container without a shell ask how it is.
type healthcheckCommand struct {
	Addr string `help:"Where the bot listens: web.addr." default:"127.0.0.1:8080" placeholder:"ADDR"`
}

// Run fails, and says why, unless the bot can do its work.
func (c healthcheckCommand) Run(ctx context.Context, std streams) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit+time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Addr+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return fmt.Errorf("the bot does not answer: %w", err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(string(said))
	}
	_, err = std.out.Write(said)
	return err
}
