//go:build linux

package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// machine is what the figures were taken on.
type machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	MemoryMiB  int     `json:"memory_mib"`
	Kernel     string  `json:"kernel"`
	Go         string  `json:"go"`
	PostgreSQL string  `json:"postgresql,omitempty"`
	Date       string  `json:"date"`
	LoadBefore float64 `json:"load_before"` // runnable threads of others, before we began
}

func readMachine() machine {
	m := machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Date: clock().UTC().Format("2006-01-02 15:04 UTC")}
	m.CPU = strings.TrimSpace(lineOf("/proc/cpuinfo", "model name"))
	kib, _, _ := strings.Cut(strings.TrimSpace(lineOf("/proc/meminfo", "MemTotal")), " ")
	if n, err := strconv.Atoi(kib); err == nil {
		m.MemoryMiB = n / 1024
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.LoadBefore, _ = strconv.ParseFloat(first, 64)
	}
	if programs, err := findPostgres(); err == nil {
		out, _ := exec.Command(programs+"/postgres", "--version").Output()
		m.PostgreSQL = strings.TrimPrefix(strings.TrimSpace(string(out)), "postgres (PostgreSQL) ")
	}
	return m
}

// lineOf is what follows the first "name:" of a file.
func lineOf(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return value
		}
	}
	return ""
}

// onMemory is a note where fsync costs nothing.
func onMemory(folder string) string {
	const tmpfs, ramfs = 0x01021994, 0x858458f6
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil || s.Type != tmpfs && s.Type != ramfs {
		return ""
	}
	return folder + " lies in memory, so writing durably looks cheaper than it is; --dir names another place"
}
