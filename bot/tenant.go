package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// world is which simulated tenant is meant.
type world struct {
	People  int    `help:"How many people it has." default:"240"`
	Licence string `help:"The licence it owns: free, p1 or p2." enum:"free,p1,p2" default:"free"`
	Seed    uint64 `help:"The same seed makes the same tenant." default:"1"`
}

// Validate is called by the command line's parser.
func (w world) Validate() error {
	if w.People < 7 || w.People > 1_000_000 {
		return fmt.Errorf("--people %d is not from 7 to 1,000,000", w.People)
	}
	return nil
}

func (w world) config(epoch time.Time, now func() time.Time) simtenant.Config {
	licences := map[string]graph.Licence{"free": graph.Free, "p1": graph.P1, "p2": graph.P2}
	return simtenant.Config{
		People: w.People, Licence: licences[w.Licence], Seed: w.Seed, Epoch: epoch, Now: now,
		Apps: []simtenant.App{{ClientID: botApp, Name: "Twokey"}}, Unguarded: true, // any bearer or none may enter
	}
}

type tenantCommand struct {
	world
	Addr string    `help:"Where to listen." default:"127.0.0.1:8421" placeholder:"HOST:PORT"`
	Now  time.Time `help:"Start the tenant's clock at this time (RFC 3339)." placeholder:"TIME"`
}

// Run serves the simulated tenant until ctx ends.
func (c tenantCommand) Run(ctx context.Context, std streams) error {
	clock, err := openClock("", c.Now)
	if err != nil {
		return err
	}
	sim, err := simtenant.New(c.config(clock.Now(), clock.Now))
	if err != nil {
		return err
	}
	listener, err := listen(c.Addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(std.out, "tenant http://%s\nready\n", listener.Addr()); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, listener, sim) })
	return group.Wait()
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address with --addr", err)
	}
	return l, nil
}

// patience is how long a server that stops waits for answers under way.
const patience = 5 * time.Second

// serve answers until ctx ends, then lets answers that are under way finish.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(waiting); err != nil {
		_ = server.Close() // whatever is still open has had its time
	}
	<-failed
	return nil
}
