// Package outward holds what the adapters' connections to a platform have in
// common: where one must not lead, and how it is known that nothing was sent.
package outward

import (
	"fmt"
	"net/netip"
	"syscall"
)

// A DialError says that a connection was never made, so that nothing was sent.
type DialError struct{ Err error }

// Error is the cause's.
func (e DialError) Error() string { return e.Err.Error() }

// Unwrap returns what kept the connection from being made.
func (e DialError) Unwrap() error { return e.Err }

// Public returns the Control of a [net.Dialer] that refuses, by an error that
// wraps foreign, to connect to an address that is not one of the internet's: a
// name that somebody else gave must not lead into our own network.
func Public(foreign error) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		a := ip.Addr().Unmap()
		if !a.IsGlobalUnicast() || a.IsPrivate() {
			return fmt.Errorf("%w: it leads to %s", foreign, a)
		}
		return nil
	}
}

// Loopback reports whether a host, by name or address, is this machine.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
