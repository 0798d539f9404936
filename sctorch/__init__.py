"""sctorch"""
