// Package base has the types of schemas.
package base

import (
	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v4"
)

// Schema describes a value.
type Schema struct {
	Type, Required               []string
	Description, Format, Pattern string
	AllOf, OneOf, AnyOf          []*SchemaProxy
	Enum                         []*yaml.Node
	Default                      *yaml.Node
	Properties                   *orderedmap.Map[string, *SchemaProxy]
	Extensions                   *orderedmap.Map[string, *yaml.Node]
	Items, AdditionalProperties  *SchemaOrBool
	Discriminator                *Discriminator
	ReadOnly, Nullable           *bool
	MinLength, MaxLength         *int64
	Minimum, Maximum, MultipleOf *float64
}

// SchemaOrBool is a schema, or whether any value is allowed.
type SchemaOrBool struct {
	A *SchemaProxy
	B bool
}

// SchemaProxy refers to a schema.
type SchemaProxy struct{}

// Discriminator tells by which property a value is of one of several schemas.
type Discriminator struct {
	PropertyName string
	Mapping      *orderedmap.Map[string, string]
}

// Low has the digest of a schema.
type Low struct{}

// IsA is never called.
func (*SchemaOrBool) IsA() bool { return false }

// Schema is never called.
func (*SchemaProxy) Schema() *Schema { return nil }

// GoLow is never called.
func (*Schema) GoLow() *Low { return nil }

// Hash is never called.
func (*Low) Hash() uint64 { return 0 }

// MarshalJSONInline is never called.
func (*Schema) MarshalJSONInline() ([]byte, error) { return nil, nil }
