// Package postgres runs a private PostgreSQL server for tests and measurements: in a directory of its own under the
// temporary one, on a Unix socket there, without a port. It goes when its process does, however that ends.
package postgres

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Superuser is the user of the server who may do everything. Nobody is asked for a password but Guarded.
const (
	Superuser = "postgres"
	Guarded   = "guarded"
)

// ErrMissing is that PostgreSQL is not installed here.
var ErrMissing = errors.New("PostgreSQL is not installed: make test installs it")

// keeper runs the server until its standard input closes.
//
//go:embed keeper.sh
var keeper string

// Server is a running PostgreSQL. Its methods are safe for concurrent use.
type Server struct {
	dir   string
	bin   string
	as    *syscall.Credential
	run   *exec.Cmd
	input io.Closer
}

// Start starts a server. A durable one waits for the disk at each commit, as real ones do; the others are faster and
// good for tests of anything but that. It fails with ErrMissing. Whoever starts it closes it.
func Start(ctx context.Context, durable bool) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	if s.dir, err = os.MkdirTemp("", "sightline-postgres-"); err != nil {
		return nil, err
	}
	if err := s.start(ctx, durable); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, durable bool) error {
	if os.Geteuid() == 0 { // PostgreSQL refuses to be root
		if err := s.becomePostgres(); err != nil {
			return err
		}
	}
	s.run = exec.Command("/bin/sh", "-c", keeper, "keeper", s.bin, s.dir, strconv.FormatBool(durable)) //nolint:noctx // its input ends it
	// Not in our process group: an interrupt at the keyboard must not end the keeper before it has cleaned up.
	s.run.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	s.run.Dir = "/"
	words := &strings.Builder{}
	s.run.Stderr = words
	input, err := s.run.StdinPipe()
	if err != nil {
		return err
	}
	output, err := s.run.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.run.Start(); err != nil {
		return err
	}
	s.input = input
	stop := context.AfterFunc(ctx, func() { _ = input.Close() })
	defer stop()
	if line, _ := bufio.NewReader(output).ReadString('\n'); line != "ready\n" {
		return fmt.Errorf("start PostgreSQL: %w: %s", errors.Join(s.Close(), ctx.Err()), words)
	}
	return nil
}

// becomePostgres makes the server run as Debian's user of that name, who gets the directory.
func (s *Server) becomePostgres() error {
	account, err := user.Lookup(Superuser)
	if err != nil {
		return fmt.Errorf("run PostgreSQL as somebody other than root: %w", err)
	}
	uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		return err
	}
	s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid)) //nolint:gosec // of 32 bits, as above
}

// URL names one of the server's databases, as a user who can be Superuser.
func (s *Server) URL(user, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: database, RawQuery: url.Values{"host": {s.dir}}.Encode()}
	return strings.Replace(u.String(), "@"+database, "@/"+database, 1)
}

// Create makes a database and returns its URL.
func (s *Server) Create(ctx context.Context, database string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(s.bin, "createdb"), "-h", s.dir, "-U", Superuser, database)
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make database %s: %w: %s", database, err, out)
	}
	return s.URL(Superuser, database), nil
}

// Close ends the server and removes what it kept.
func (s *Server) Close() error {
	_ = s.input.Close() // closed before where the context has ended
	if err := s.run.Wait(); err != nil {
		return fmt.Errorf("end PostgreSQL: %w", err)
	}
	return nil
}

// programs returns the directory of the newest PostgreSQL: Debian keeps its programs out of the PATH.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrMissing
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Dir(path), nil
}

// version reads that of /usr/lib/postgresql/15/bin/initdb.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}
