package config

import "strings"

// nearest finds the known name that word was probably meant to be, or "". A name whose last part
// is word itself is nearest of all: "origins" means "cors.origins".
func nearest(word string, known []string) string {
	best, least := "", len(word)+1
	for _, name := range known {
		if strings.HasSuffix(name, "."+word) {
			return name
		}
		d := distance(strings.ToLower(word), strings.ToLower(name))
		if d < least && 2*d <= max(len(word), len(name)) {
			best, least = name, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
