// Package nat says in words what a network allows, and why a session needs a relay. It only judges what others found out.
package nat
