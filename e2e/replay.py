#!/usr/bin/env python3
"""Replays contract transcripts against a running server. Standard library only.

  replay.py --base http://127.0.0.1:PORT [--mail-dir DIR] [--reset PATH|none]
            [--never FILE] [--variants FILE [--state DIR]] [--lenient headers,mail,text] [-v] FILE-or-DIR...

Before each scenario the fixture of its "setup" is posted to --reset (default /__contract__/reset); to a path under
/dev/ the whole head is posted ({"dialect", "variant", "user_model", "settings", "setup"}: Doorward's /dev/reset);
with "none" nothing is posted (start the server yourself with the fixture).
With --variants (a reference server's variants.json) the port and the mail folder of each scenario
are taken from its "variant" instead of --base/--mail-dir.
--never names the steps that Doorward answers in its own way; it is used with a --reset below /dev/.
The file format is described in README.md beside the transcripts.
"""
import argparse
import base64
import email
import email.policy
import glob
import hashlib
import hmac
import html.parser
import http.client
import json
import os
import re
import struct
import sys
import time
import urllib.parse

JWT_RE = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
ISO_RE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"
PATTERNS = {
    "jwt": JWT_RE, "datetime": ISO_RE, "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "hex32": r"[0-9a-f]{32}",
    "hex40": r"[0-9a-f]{40}", "uid": r"[A-Za-z0-9_-]+", "token": r"[0-9a-z]{1,13}-[0-9a-z]{1,64}", "base32": r"[A-Z2-7]+",
    "static": r"[a-z2-7]{7,8}", "key": r"[-:\w]+", "HEX32": r"[0-9A-F]{32}", "str": r"(?s:.*)", "digits": r"\d+",
}
VAR = re.compile(r"\{\{([^{}]+)\}\}")
LABEL = "-" * 79


class Fail(Exception):
    pass


# ---------------------------------------------------------------- variables and matchers

def totp(secret, offset=0, step=30, digits=6, at=None):
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    t = int((time.time() if at is None else at) // step) + offset
    mac = hmac.new(key, struct.pack(">Q", t), hashlib.sha1).digest()
    o = mac[-1] & 15
    return str((struct.unpack(">I", mac[o:o + 4])[0] & 0x7FFFFFFF) % 10 ** digits).zfill(digits)


def lookup(name, env):
    """{{var}}, {{totp:var}}, {{totp:var:+1}}, {{b64uid:var}}, {{tamper:var}}, {{upper:var}}"""
    if name in env:
        return env[name]
    f, _, rest = name.partition(":")
    if f == "totp":
        var, _, off = rest.partition(":")
        return totp(env[var], int(off or 0))
    if f == "b64uid":
        return base64.urlsafe_b64encode(str(env[rest]).encode()).decode().rstrip("=")
    if f == "tamper":  # the first character of the signature (or of the whole) changed
        s = str(env[rest])
        i = s.rfind(".") + 1 if "." in s else s.rfind("-") + 1
        return s[:i] + ("A" if s[i] != "A" else "B") + s[i + 1:]
    if f == "upper":
        return str(env[rest]).upper()
    raise KeyError(name)


def subst(v, env):
    if isinstance(v, str):
        m = VAR.fullmatch(v)
        if m:
            return lookup(m.group(1), env)
        return VAR.sub(lambda m: str(lookup(m.group(1), env)), v)
    if isinstance(v, list):
        return [subst(x, env) for x in v]
    if isinstance(v, dict):
        return {k: subst(x, env) for k, x in v.items()}
    return v


def match(want, got, env, path="$"):
    if isinstance(want, str) and VAR.search(want):
        m = VAR.fullmatch(want)
        name = m.group(1) if m else None
        if name == "any":
            return
        if name == "int":
            if type(got) is not int:
                raise Fail("%s: want an integer, got %r" % (path, got))
            return
        if name is not None and name not in PATTERNS:
            want = lookup(name, env)
            if type(want) is not type(got) or want != got:
                raise Fail("%s: want %r ({{%s}}), got %r" % (path, want, name, got))
            return
        rx, pos = "", 0
        for m in VAR.finditer(want):
            n = m.group(1)
            rx += re.escape(want[pos:m.start()])
            rx += "(?s:.*)" if n == "any" else "(?:%s)" % PATTERNS[n] if n in PATTERNS else re.escape(str(lookup(n, env)))
            pos = m.end()
        rx += re.escape(want[pos:])
        if not isinstance(got, str) or not re.fullmatch(rx, got):
            raise Fail("%s: want %r, got %r" % (path, want, got))
        return
    if isinstance(want, dict):
        if not isinstance(got, dict):
            raise Fail("%s: want an object, got %r" % (path, got))
        for k in want:
            if k not in got:
                raise Fail("%s: key %r is missing (got %s)" % (path, k, json.dumps(got)[:300]))
        for k in got:
            if k not in want:
                raise Fail("%s: unexpected key %r = %s" % (path, k, json.dumps(got[k])[:300]))
        for k in want:
            match(want[k], got[k], env, path + "." + k)
        return
    if isinstance(want, list):
        if not isinstance(got, list) or len(got) != len(want):
            raise Fail("%s: want %s, got %s" % (path, json.dumps(want)[:300], json.dumps(got)[:300]))
        for i, (w, g) in enumerate(zip(want, got)):
            match(w, g, env, "%s[%d]" % (path, i))
        return
    if type(want) is not type(got) or want != got:
        raise Fail("%s: want %s, got %s" % (path, json.dumps(want), json.dumps(got)))


def at(doc, path):
    for name, idx in re.findall(r"\.([^.\[\]]+)|\[(-?\d+)\]", path[1:]):
        doc = doc[name] if name else doc[int(idx)]
    return doc


# ---------------------------------------------------------------- http and mail

class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")
        try:
            self.json = json.loads(self.text)
            self.is_json = True
        except ValueError:
            self.json, self.is_json = None, False

    def header(self, name):
        v = [b for a, b in self.headers if a.lower() == name.lower()]
        return ", ".join(v) if v else None


class Fields(html.parser.HTMLParser):
    """The named fields of a page's forms, with their values."""

    def __init__(self, text):
        super().__init__()
        self.found = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag in ("input", "select", "textarea", "button") and a.get("name"):
            self.found.setdefault(a["name"], a.get("value") or "")


def fields(resp):
    return Fields(resp.text).found


def cookies(resp):
    """Names of the cookies the answer sets and deletes, sorted (Django's "messages" left out)."""
    out = {"set": [], "deleted": []}
    for k, v in resp.headers:
        if k.lower() == "set-cookie":
            gone = re.search(r";\s*(max-age=0\b|expires=Thu, 01[ -]Jan[ -]1970)", v, re.I)
            if not v.startswith("messages="):
                out["deleted" if gone else "set"].append(v.partition("=")[0].strip())
    return {k: sorted(set(v)) for k, v in out.items()}


def send(base, req, env):
    u = urllib.parse.urlsplit(base)
    headers = {k: str(subst(v, env)) for k, v in (req.get("headers") or {}).items()}
    body = None
    kind = None
    if "json" in req:
        kind, body = "application/json", json.dumps(subst(req["json"], env)).encode()
    elif "form" in req:
        kind = "application/x-www-form-urlencoded"
        body = urllib.parse.urlencode(subst(req["form"], env), doseq=True).encode()
    elif "multipart" in req:
        b = "doorwardboundary0123456789"
        kind = "multipart/form-data; boundary=" + b
        body = b"".join(("--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % (b, k, v)).encode()
                        for k, v in subst(req["multipart"], env).items()) + ("--%s--\r\n" % b).encode()
    elif "raw" in req:
        body = subst(req["raw"], env).encode()
    elif "raw_b64" in req:
        body = base64.b64decode(req["raw_b64"])
    if kind and not any(k.lower() == "content-type" for k in headers):
        headers["Content-Type"] = kind
    path = urllib.parse.quote(str(subst(req["path"], env)), safe="/:?&=%+,;@!$'()*~.-_")
    c = http.client.HTTPConnection(u.hostname, u.port or 80, timeout=30)
    try:
        c.putrequest(req["method"], path, skip_accept_encoding=True, skip_host=any(k.lower() == "host" for k in headers))
        for k, v in headers.items():
            c.putheader(k, v.encode("utf-8"))
        if body is not None or req["method"] in ("POST", "PUT", "PATCH"):
            c.putheader("Content-Length", str(len(body or b"")))
        c.endheaders(body)
        r = c.getresponse()
        return Response(r.status, r.getheaders(), r.read())
    finally:
        c.close()


def mails(folder):
    """All messages of a folder (one or more per file, Django's file backend or plain .eml), oldest first."""
    out = []
    for f in sorted(glob.glob(os.path.join(folder, "*")), key=lambda f: (os.stat(f).st_mtime_ns, f)):
        if not os.path.isfile(f) or os.path.basename(f).startswith("."):
            continue
        with open(f, "rb") as fh:
            for part in re.split(rb"\n-{79}\n", fh.read()):
                if part.strip():
                    out.append(email.message_from_bytes(part.lstrip(b"\n"), policy=email.policy.default))
    return out


def mail_text(msg):
    part = msg.get_body(("plain",)) or msg.get_body(("html",))
    return (part.get_content() if part else "").replace("\r\n", "\n").strip()


def mail_addresses(msg, name):
    return [a for _, a in email.utils.getaddresses([str(v) for v in msg.get_all(name, [])])]


def jwt_parts(token):
    h, p, s = token.split(".")
    dec = lambda x: base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))  # noqa: E731
    return json.loads(dec(h)), json.loads(dec(p)), dec(s)


def der(b, i=0):
    """(tag, content, end) of the DER value at i."""
    tag, n, i = b[i], b[i + 1], i + 2
    if n & 128:
        k = n & 127
        n, i = int.from_bytes(b[i:i + k], "big"), i + k
    return tag, b[i:i + n], i + n


def rsa_ok(pem, signed, sig, h):
    """RSASSA-PKCS1-v1_5 with a PEM public key (SubjectPublicKeyInfo)."""
    raw = base64.b64decode("".join(x for x in pem.strip().splitlines() if "-----" not in x))
    info = der(raw)[1]
    bits = der(info, der(info)[2])[1]  # after the algorithm: the bit string
    key = der(bits[1:])[1]
    _, n, end = der(key)
    n, e = int.from_bytes(n, "big"), int.from_bytes(der(key, end)[1], "big")
    size = (n.bit_length() + 7) // 8
    prefix = {"sha256": "3031300d060960864801650304020105000420", "sha384": "3041300d060960864801650304020205000430",
              "sha512": "3051300d060960864801650304020305000440"}[h().name]
    t = bytes.fromhex(prefix) + h(signed).digest()
    return pow(int.from_bytes(sig, "big"), e, n).to_bytes(size, "big") == b"\x00\x01" + b"\xff" * (size - len(t) - 3) + b"\x00" + t


HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def check_jwt(token, want, env, key):
    head, claims, sig = jwt_parts(token)
    match(want["header"], head, env, "jwt header")
    match(want["claims"], claims, env, "jwt claims")
    if "lifetime" in want:
        start = claims.get("iat", claims.get("orig_iat"))
        base = start if want.get("from") == "iat" and start else time.time()
        if abs(claims["exp"] - base - want["lifetime"]) > want.get("slack", 5):
            raise Fail("jwt lifetime: want %s s, got %s s" % (want["lifetime"], claims["exp"] - base))
    if want.get("signed") and key and head["alg"].startswith("RS"):
        if not rsa_ok(key, token.rsplit(".", 1)[0].encode(), sig, HASHES["HS" + head["alg"][2:]]):
            raise Fail("jwt signature does not verify with VERIFYING_KEY")
    elif want.get("signed") and key:
        mac = hmac.new(key.encode(), token.rsplit(".", 1)[0].encode(), HASHES[head["alg"]]).digest()
        if mac != sig:
            raise Fail("jwt signature does not verify with the settings' key")


# ---------------------------------------------------------------- scenario

def signing_key(sc):
    s = sc.get("settings", {})
    if (s.get("SIMPLE_JWT") or {}).get("ALGORITHM", "").startswith("RS"):
        return s["SIMPLE_JWT"]["VERIFYING_KEY"]
    if (s.get("JWT_AUTH") or {}).get("JWT_PUBLIC_KEY"):
        return s["JWT_AUTH"]["JWT_PUBLIC_KEY"]
    return (s.get("SIMPLE_JWT") or {}).get("SIGNING_KEY") or s.get("SECRET_KEY")


def reset(base, path, sc):
    """Puts the server in the scenario's condition. A path under /dev/ gets the whole head, any other the setup alone."""
    body = sc.get("setup") or {}
    if path.startswith("/dev/"):
        body = {k: sc[k] for k in ("dialect", "variant", "user_model", "settings", "setup") if k in sc}
    r = send(base, {"method": "POST", "path": path, "json": body}, {})
    if r.status not in (200, 204):
        raise Fail("reset: %d %s" % (r.status, r.text[:500]))


def run_step(step, base, env, mail_dir, seen, key, lenient=()):
    if "wait_s" in step:
        time.sleep(step["wait_s"])
    resp = None
    if "request" in step:
        resp = send(base, step["request"], env)
        want = step["expect"]
        if resp.status != want["status"]:
            raise Fail("status: want %d, got %d; body %s" % (want["status"], resp.status, resp.text[:400]))
        if "headers" not in lenient:
            for k, v in want.get("headers", {}).items():
                got = resp.header(k)
                if v is None:
                    if got is not None:
                        raise Fail("header %s: want none, got %r" % (k, got))
                elif k.lower() == "allow" and got is not None:  # the order is not defined (a Python set)
                    match(sorted(v.replace(" ", "").split(",")), sorted(got.replace(" ", "").split(",")), env, "header Allow")
                else:
                    match(v, got, env, "header " + k)
        if "json" in want:
            if not resp.is_json:
                raise Fail("body: want JSON, got %r" % resp.text[:300])
            match(want["json"], resp.json, env)
        if want.get("empty") and resp.body:
            raise Fail("body: want none, got %r" % resp.text[:300])
        if "text" in want and "text" not in lenient:
            match(want["text"], resp.text, env, "text")
        if "fields" in want:
            match(sorted(want["fields"]), sorted(fields(resp)), env, "form fields")
        if "cookies" in want and "headers" not in lenient:
            got = cookies(resp)
            for k in ("set", "deleted"):
                match(sorted(want["cookies"].get(k, [])), got[k], env, "cookies " + k)
        for path, w in want.get("jwt", {}).items():
            check_jwt(at(resp.json, path), w, env, key)
    new = []
    if mail_dir and ("expect_mail" in step or any(str(v).startswith("mail:") for v in step.get("capture", {}).values())):
        wanted = step.get("expect_mail")
        wanted = [wanted] if isinstance(wanted, dict) else (wanted or [])
        for _ in range(40):
            new = mails(mail_dir)[seen[0]:]
            if len(new) >= max(len(wanted), 0 if "expect_mail" in step else 1):
                break
            time.sleep(0.05)
        if "expect_mail" in step and len(new) != len(wanted):
            raise Fail("mail: want %d messages, got %d (%s)" % (len(wanted), len(new), [m["Subject"] for m in new]))
    for name, src in step.get("capture", {}).items():
        if src.startswith("mail:"):
            if not mail_dir:
                raise Fail("needs --mail-dir")
            m = re.search(src[5:], "\n".join(mail_text(x) for x in new))
            if not m:
                raise Fail("capture %s: no match for %s" % (name, src))
            env[name] = m.group(1)
        elif src.startswith("field:"):
            env[name] = fields(resp)[src[6:]]
        elif src.startswith("header:"):
            _, h, rx = src.split(":", 2)
            env[name] = re.search(rx, resp.header(h) or "").group(1)
        elif src.startswith("re:"):
            _, path, rx = src.split(":", 2)
            env[name] = re.search(rx, at(resp.json, path)).group(1)
        else:
            env[name] = at(resp.json, src)
    if mail_dir and "expect_mail" in step and "mail" not in lenient:
        for i, (w, m) in enumerate(zip(wanted, new)):
            match(w["to"], mail_addresses(m, "To"), env, "mail[%d].to" % i)
            match(w["subject"], str(m["Subject"]), env, "mail[%d].subject" % i)
            if "from" in w:
                match(w["from"], mail_addresses(m, "From")[0], env, "mail[%d].from" % i)
            if w.get("link_regex") and not re.search(w["link_regex"], mail_text(m)):
                raise Fail("mail[%d]: no link like %s in %r" % (i, w["link_regex"], mail_text(m)))
            if "body" in w and "text" not in lenient:
                match(w["body"], mail_text(m), env, "mail[%d].body" % i)
    if mail_dir:
        seen[0] = len(mails(mail_dir))
    return resp


def totp_pause(sc):
    """Waits for the next time step when the current one is about to end, so that codes do not change mid-scenario."""
    if "{{totp:" in json.dumps(sc) and time.time() % 30 > 24:
        time.sleep(30.1 - time.time() % 30)


NEVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "internal", "server", "servertest", "testdata",
                     "contract", "never.json")


def never(path, rows_of):
    """Doorward's own answers to the steps of this file that it refuses to repeat (never.json)."""
    with open(rows_of, encoding="utf-8") as fh:
        rows = json.load(fh)
    return {r["step"]: r["expect"] for r in rows if path.replace(os.sep, "/").endswith(r["file"])}


def run(sc, base, mail_dir=None, reset_path="/__contract__/reset", lenient=(), verbose=False, out=print, label="",
        rows_of=NEVER):
    env = {"base": base.rstrip("/"), "host": urllib.parse.urlsplit(base).netloc}
    totp_pause(sc)
    if reset_path and reset_path != "none":
        reset(base, reset_path, sc)
    ours = never(label, rows_of) if (reset_path or "").startswith("/dev/") else {}
    seen = [len(mails(mail_dir)) if mail_dir else 0]
    bad = 0
    for step in sc["steps"]:
        if step["id"] in ours:
            step = dict(step, expect=ours[step["id"]], capture={})
        try:
            run_step(step, base, env, mail_dir, seen, signing_key(sc), lenient)
            if verbose:
                out("ok   %s %s" % (label, step["id"]))
        except (Fail, KeyError, IndexError, TypeError, AttributeError, ValueError, OSError) as e:
            bad += 1
            r = step.get("request", {})
            out("FAIL %s [%s] %s %s\n     %s" % (label, step["id"], r.get("method"), r.get("path"), e if isinstance(e, Fail) else repr(e)))
    return bad


def files(args):
    for a in args:
        if os.path.isdir(a):
            yield from sorted(glob.glob(os.path.join(a, "**", "*.json"), recursive=True))
        else:
            yield a


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--base")
    ap.add_argument("--mail-dir")
    ap.add_argument("--reset", default="/__contract__/reset")
    ap.add_argument("--never", default=NEVER)
    ap.add_argument("--variants", action="append", default=[])
    ap.add_argument("--state", default=".state")
    ap.add_argument("--only", help="only scenarios of these variants, comma separated")
    ap.add_argument("--as", dest="alias", action="append", default=[], metavar="VARIANT=OTHER",
                    help="run the scenarios of one variant against another one's server")
    ap.add_argument("--lenient", default="")
    ap.add_argument("-v", action="store_true")
    ap.add_argument("files", nargs="+")
    o = ap.parse_args()
    variants = {}
    for f in o.variants:
        with open(f) as fh:
            variants.update(json.load(fh))
    alias = dict(a.split("=") for a in o.alias)
    passed = failed = skipped = 0
    for f in files(o.files):
        with open(f, encoding="utf-8") as fh:
            sc = json.load(fh)
        if not isinstance(sc, dict) or "steps" not in sc or (o.only and sc["variant"] not in o.only.split(",")):
            continue
        base, mail_dir = o.base, o.mail_dir
        if variants:
            name = alias.get(sc["variant"], sc["variant"])
            if name not in variants:
                skipped += 1
                continue
            base = "http://127.0.0.1:%d" % variants[name]["port"]
            mail_dir = os.path.join(o.state, name, "mail")
        try:
            bad = run(sc, base, mail_dir, o.reset, o.lenient.split(","), o.v, label=f, rows_of=o.never)
        except (Fail, OSError) as e:
            print("FAIL %s %s" % (f, e))
            bad = 1
        if bad:
            failed += 1
        else:
            passed += 1
    print("%d passed, %d failed" % (passed, failed) + (", %d skipped: their variant is in no --variants file" % skipped if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
