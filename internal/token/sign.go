package token

import "fmt"

// Sign makes a JWT of claims in their order. Its header is exactly {"typ":"JWT","alg":…}, as PyJWT 1
// writes it: contract tokens have no room for a kid. Errors: ErrKey where the key can't sign, and
// claims that no token of ours may have: one name twice, text that isn't UTF-8, a value of another
// type than Claim names, more than MaxLen in all.
func Sign(k *Key, claims ...Claim) (string, error) {
	return sign(k, claims, false)
}

// SignWithID is Sign with the key's ID as kid at the end of the header.
func SignWithID(k *Key, claims ...Claim) (string, error) {
	return sign(k, claims, true)
}

func sign(k *Key, claims []Claim, withID bool) (string, error) {
	if k == nil {
		return "", fmt.Errorf("%w: there is none", ErrKey)
	}
	text := make([]byte, 0, 512)
	if k.alg == HS256 && !withID {
		text = append(text, headerTypAlg...)
	} else {
		header := []Claim{{"typ", "JWT"}, {"alg", k.alg.String()}, {"kid", k.id}}
		if !withID {
			header = header[:2]
		}
		json, err := appendObject(nil, header)
		if err != nil {
			return "", err
		}
		text = strict64.AppendEncode(text, json)
	}
	payload, err := appendObject(make([]byte, 0, 256), claims)
	if err != nil {
		return "", err
	}
	text = strict64.AppendEncode(append(text, '.'), payload)
	signature, err := k.sign(text)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	text = strict64.AppendEncode(append(text, '.'), signature)
	if len(text) > MaxLen {
		return "", fmt.Errorf("token would be %d bytes long, more than %d", len(text), MaxLen)
	}
	return string(text), nil
}
