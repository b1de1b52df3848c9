extension Senders {
    static let stripe = Preset(
        "stripe", .source,
        #"""
        # Stripe: payments, invoices and subscriptions.
        # Formats: https://docs.stripe.com/api/events/object and .../api/events/types; amounts are in the smallest unit, such as cents
        # `signature: { secret: whsec_… }` takes the signing secret of the endpoint.
        type: webhook
        id: stripe
        if_given:
          signature: { signature: { scheme: stripe } }
        normalise:
          cases:
            - set:
                title: "{{ .payload.type }}"
                message: { fields: .payload.data.object, only: [id, amount, amount_due, amount_paid, currency, status, reason, description, customer] }
                priority: { from: .payload.type, map: { payment_intent.payment_failed: 4, charge.failed: 4, invoice.payment_failed: 4, payout.failed: 4, charge.dispute.created: 5 }, default: 3 }
                tags: [stripe, "{{ .payload.type }}"]
                id: { from: .payload.id }
                timestamp: { from: .payload.created }
        """#)
}
