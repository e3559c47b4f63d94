"""The method reference: Markdown, one page a domain, from the IR and from the signatures of the package."""
