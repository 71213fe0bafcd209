package drf

import (
	"net/http"
	"strconv"
	"strings"

	"doorward/internal/web"
)

// List gives the rows after skip others, limit of them at most, and how many there are in all.
type List func(skip, limit int) (rows []Object, count int, err error)

// Paginated answers with a page of a list in the envelope of PageNumberPagination (rest_framework/pagination.py),
// size rows in each; modern as its newer versions do. list is called once, or twice where the page is named "last".
func Paginated(w http.ResponseWriter, r *web.Request, size int, modern bool, list List) error {
	number, err := pageNumber(r, modern)
	if err != nil {
		return err
	}
	last := number == lastPage
	if last {
		number = 1
	}
	rows, count, err := list((number-1)*size, size)
	if err != nil {
		return err
	}
	pages := max(1, (count+size-1)/size)
	if last && pages > 1 {
		number = pages
		if rows, count, err = list((number-1)*size, size); err != nil {
			return err
		}
	}
	if number > pages {
		return badPage()
	}
	if rows == nil {
		rows = []Object{}
	}
	o := Object{{"count", count}, {"next", nil}, {"previous", nil}, {"results", rows}}
	if number < pages {
		o[1].Value = pageLink(r, number+1)
	}
	if number > 1 {
		o[2].Value = pageLink(r, number-1)
	}
	return JSON(w, http.StatusOK, o)
}

// badPage is what a page says that is none, or not there.
func badPage() error { return Detail(http.StatusNotFound, "Invalid page.") }

// lastPage stands for the page called "last". No list is so long that a page could be another one beyond maxPage.
const (
	lastPage = -1
	maxPage  = 1 << 40
)

// pageNumber reads ?page=, as Python's int reads a number. An empty one is the first to newer versions, and none to older ones.
func pageNumber(r *web.Request, modern bool) (int, error) {
	texts, said := r.URL.Query()["page"]
	if !said {
		return 1, nil
	}
	text := texts[len(texts)-1]
	if text == "" && modern {
		return 1, nil
	}
	if text == "last" {
		return lastPage, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(text), "+"))
	if err != nil || n < 1 || n > maxPage {
		return 0, badPage()
	}
	return n, nil
}

// pageLink is the address of r with another page. The first one is the address without any.
func pageLink(r *web.Request, number int) string {
	values := r.URL.Query()
	if values.Del("page"); number > 1 {
		values.Set("page", strconv.Itoa(number))
	}
	link := web.BaseURL(r.Request) + r.URL.EscapedPath()
	if s := suffix(r.Request); s != "" {
		link = strings.TrimSuffix(link, "/") + "." + s
	}
	if len(values) > 0 {
		link += "?" + values.Encode()
	}
	return link
}

// PagedOutput are the members of the envelope around a list of rows.
func PagedOutput(rows []web.Field) []web.Field {
	link := web.Field{Null: true, Required: true}
	next, previous := link, link
	next.Name, previous.Name = "next", "previous"
	return []web.Field{{Name: "count", Kind: web.Integer, Required: true}, next, previous, {Name: "results", Required: true, Many: true, Fields: rows}}
}

// PageQuery is the parameter that asks for a page.
var PageQuery = []web.Field{{Name: "page", Help: `The number of the page, or "last".`}}
