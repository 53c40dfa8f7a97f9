// Package throttle bounds how often something may happen, in total or for each of many, and tells those it refuses when
// there will be room: not all of them the same moment.
package throttle
