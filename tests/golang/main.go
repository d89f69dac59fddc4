// Reads a body of Alertmanager's webhook as Alertmanager itself writes it, refuses what its type does not know, and
// writes it again.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/alertmanager/notify/webhook"
)

func main() {
	in := json.NewDecoder(os.Stdin)
	in.DisallowUnknownFields()
	var message webhook.Message
	if err := in.Decode(&message); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(message); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
