package server

import (
	"crypto/tls"
	"net/http"
)

// limitsOfHTTP2 are small: bodies have 64 KiB at most, and a client that wants more at once than 100
// requests opens another connection.
var limitsOfHTTP2 = http.HTTP2Config{
	MaxConcurrentStreams: 100, MaxReadFrameSize: 16 << 10, MaxReceiveBufferPerConnection: 128 << 10, MaxReceiveBufferPerStream: 64 << 10,
	MaxDecoderHeaderTableSize: 4 << 10, MaxEncoderHeaderTableSize: 4 << 10, SendPingTimeout: idleTimeout / 2, PingTimeout: headerTimeout,
	WriteByteTimeout: writeTimeout,
}

// protocols are HTTP/1.1, HTTP/2 where TLS is ours, and HTTP/2 without TLS where the configuration says so.
func (s *Server) protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(s.cfg.TLS.On())
	p.SetUnencryptedHTTP2(s.cfg.H2C)
	return p
}

// tlsConfig shows the certificate of the moment.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.shown.Load(), nil },
	}
}

// ReloadCertificate reads the certificate and its key again, where TLS is ours. With an error the one
// before is still shown: a renewal may be half done.
func (s *Server) ReloadCertificate() error {
	if !s.cfg.TLS.On() {
		return nil
	}
	next, err := s.cfg.Certificate()
	if err != nil {
		return err
	}
	old := s.shown.Swap(next)
	if old != nil && !old.Leaf.Equal(next.Leaf) {
		s.log.Info("the certificate is another one", "good_until", next.Leaf.NotAfter)
	}
	return nil
}
