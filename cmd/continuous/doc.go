// Continuous
package main
