// Package v3 has the types of an interface's description.
package v3

import (
	"github.com/pb33f/libopenapi/datamodel/high/base"
	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v4"
)

type (
	// Document describes an interface.
	Document struct {
		Components *struct {
			Schemas *orderedmap.Map[string, *base.SchemaProxy]
		}
		Paths *struct {
			PathItems *orderedmap.Map[string, *PathItem]
		}
		Info *struct{ Version string }
	}
	// PathItem has the operations of a path.
	PathItem struct{ Get, Post, Put, Delete, Patch, Head *Operation }
	// Operation describes an operation.
	Operation struct {
		OperationId, Summary, Description string
		Tags                              []string
		Parameters                        []*Parameter
		RequestBody                       *Response
		Responses                         *Responses
		Deprecated                        *bool
		Extensions                        *orderedmap.Map[string, *yaml.Node]
	}
	// Parameter describes a parameter.
	Parameter struct {
		Name, In, Description string
		Required              *bool
		Schema                *base.SchemaProxy
	}
	// Responses describe what an operation returns.
	Responses struct {
		Codes   *orderedmap.Map[string, *Response]
		Default *Response
	}
	// Response describes a body.
	Response struct {
		Description string
		Content     *orderedmap.Map[string, *MediaType]
	}
	// MediaType describes a body of one type.
	MediaType struct{ Schema *base.SchemaProxy }
)
