// Package libopenapi has the names that the engine compiles against, in place
// of a library that takes a quarter of the engine's time to compile and that
// only `pulumi api` uses, for the description of Pulumi Cloud's interface.
package libopenapi

import (
	"errors"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// Document is a description of an interface.
type Document struct{}

// Model is the content of a description.
type Model struct{ Model v3.Document }

// NewDocument fails, so that nothing else of these packages is ever called.
func NewDocument([]byte) (*Document, error) {
	return nil, errors.New("this engine was built without OpenAPI, as is told in docs/embedded-node.md")
}

// BuildV3Model is never called.
func (*Document) BuildV3Model() (*Model, error) { return nil, nil }
