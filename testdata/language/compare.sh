#!/bin/sh
# Compares the list of options here with the table of options, and prints both counts by disposition.
cd "$(dirname "$0")/../.." && exec go test ./render/manifest -run TestTableIsComplete -count 1 -v
