// Package app joins the parts of the server and runs them as one process: it is the only place where neighbours
// meet. It also has the commands that work on the data directory beside a running server.
package app
