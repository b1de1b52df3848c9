extension Senders {
    static let proxmox = Preset(
        "proxmox", .source,
        #"""
        # Proxmox VE and Backup Server: backups, replication, fencing and updates, by a webhook target.
        # Formats: https://pve.proxmox.com/pve-docs/chapter-notifications.html#notification_targets_webhook and pbs.proxmox.com/docs
        # Header of the target: Content-Type: application/json. Body:
        # {"title":"{{ escape title }}","message":"{{ escape message }}","severity":"{{ severity }}","timestamp":{{ timestamp }},"fields":{{ json fields }}}
        type: webhook
        id: proxmox
        normalise:
          cases:
            - set:
                title: "{{ .payload.title }}"
                message: "{{ .payload.message }}"
                priority: { from: .payload.severity, map: { error: 5, warning: 4, notice: 3, info: 2, unknown: 3 }, default: 3 }
                tags: [proxmox, "{{ .payload.severity }}", "{{ .payload.fields.type }}", "{{ .payload.fields.hostname }}"]
                timestamp: { from: .payload.timestamp }
        """#)
}
