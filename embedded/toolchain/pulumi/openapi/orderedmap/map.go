// Package orderedmap has a map that is always empty.
package orderedmap

import "iter"

// Map is an empty map.
type Map[K comparable, V any] struct{}

// New returns an empty map.
func New[K comparable, V any]() *Map[K, V] { return nil }

// Len is the length of a map.
func Len[K comparable, V any](*Map[K, V]) int { return 0 }

// Get finds nothing.
func (*Map[K, V]) Get(K) (value V, found bool) { return }

// GetOrZero returns a zero value.
func (*Map[K, V]) GetOrZero(K) (value V) { return }

// Set does nothing.
func (*Map[K, V]) Set(K, V) (value V, found bool) { return }

// Delete does nothing.
func (*Map[K, V]) Delete(K) (value V, found bool) { return }

// FromOldest yields nothing.
func (*Map[K, V]) FromOldest() iter.Seq2[K, V] { return func(func(K, V) bool) {} }

// KeysFromOldest yields nothing.
func (*Map[K, V]) KeysFromOldest() iter.Seq[K] { return func(func(K) bool) {} }
