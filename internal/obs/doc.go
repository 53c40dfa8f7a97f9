// Package obs is how a process is watched: its log, its metrics and its health.
package obs
