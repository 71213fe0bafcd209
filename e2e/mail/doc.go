// Package mail holds the tests of mail with the real server and an SMTP server of another process
// (this one): sign-ups answer in time whatever SMTP does, every mail leaves within a minute of an
// outage's end, and kill -9 loses none.
//
//	go test ./e2e/mail
package mail
