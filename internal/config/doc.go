// Package config is everything the server can be told: by flags, by environment variables (SIGHTLINE_ and the
// flag's name in capitals) and by a YAML file, in this order of weight. It checks what can be checked without
// touching the machine.
package config
