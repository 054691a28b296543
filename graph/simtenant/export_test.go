package simtenant

// Routes names every route, "GET users/*"; those that only beta has begin with
// "beta".
func Routes() []string {
	list := make([]string, len(routes))
	for i := range routes {
		list[i] = routes[i].name()
	}
	return list
}

func (r *route) name() string {
	if r.beta {
		return "beta " + r.method + " " + r.pattern
	}
	return r.method + " " + r.pattern
}

// RouteOf names the route that a request with this escaped path takes, or "".
func RouteOf(method, path string) string {
	c := &call{method: method}
	if c.locate(path, "") != nil || c.find() != nil {
		return ""
	}
	return c.route.name()
}

// Unwalled names the routes for which nobody has said what they take.
func Unwalled() []string {
	var list []string
	for i := range routes {
		if routes[i].need == nil {
			list = append(list, routes[i].name())
		}
	}
	return list
}
